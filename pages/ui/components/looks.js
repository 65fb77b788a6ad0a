const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }

export default function ({ data, parentElement, setStateValue }) {
  const grid = parentElement.querySelector(".grid")
  grid.setAttribute("role", "radiogroup")
  grid.setAttribute("aria-label", data.label)
  const shown = JSON.stringify(data)
  if (grid.__shown === shown) return
  grid.__shown = shown
  const heading = parentElement.querySelector("h2")
  heading.textContent = data.heading
  heading.hidden = !data.heading
  let value = data.value
  const choose = id => {
    value = id
    setStateValue("value", id)
    mark()
  }
  const mark = () => [...grid.children].forEach(card => {
    const on = card.dataset.id === value
    card.setAttribute("aria-checked", on)
    card.tabIndex = on ? 0 : -1
  })
  grid.replaceChildren(...data.options.map((option, i) => {
    const card = document.createElement("button")
    card.className = "look"
    card.type = "button"
    card.dataset.id = option.id
    card.title = option.help
    card.setAttribute("role", "radio")
    const image = new Image()
    image.src = option.thumb
    image.alt = ""
    const name = document.createElement("span")
    name.textContent = option.name
    card.append(image, name)
    if (option.small) {
      const small = document.createElement("small")
      small.textContent = option.small
      card.append(small)
    }
    card.onclick = () => choose(option.id)
    card.onkeydown = event => {
      const step = STEPS[event.key]
      if (!step) return
      event.preventDefault()
      const next = grid.children[(i + step + data.options.length) % data.options.length]
      choose(next.dataset.id)
      next.focus()
    }
    return card
  }))
  mark()
  const on = grid.querySelector("[aria-checked=true]")
  if (on && grid.scrollWidth > grid.clientWidth) grid.scrollLeft = on.offsetLeft - grid.clientWidth / 2 + 59
}
