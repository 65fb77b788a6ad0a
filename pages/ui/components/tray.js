export default function ({ data, parentElement, setTriggerValue }) {
  const tray = parentElement.querySelector(".tray")
  tray.setAttribute("role", "list")
  const old = new Map([...tray.children].map(node => [node.dataset.id, node]))
  data.photos.forEach((photo, i) => {
    let item = old.get(photo.id)
    if (!item) {
      item = document.createElement("div")
      item.className = "item"
      item.dataset.id = photo.id
      item.setAttribute("role", "listitem")
      const image = new Image()
      image.src = photo.small
      image.alt = item.title = photo.name
      const remove = document.createElement("button")
      remove.type = "button"
      remove.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M7 7l10 10M17 7L7 17" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/></svg>'
      item.append(image, remove)
    }
    old.delete(photo.id)
    const button = item.lastChild
    button.setAttribute("aria-label", `${data.remove}: ${photo.name}`)
    button.onclick = () => setTriggerValue("remove", photo.id)
    if (tray.children[i] !== item) tray.insertBefore(item, tray.children[i] ?? null)
  })
  old.forEach(node => node.remove())
}
