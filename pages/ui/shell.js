// Streamlit's own texts are English; they are replaced by exact match, wherever they appear.
const KEEP = "__packshotShell"

export default function ({ data }) {
  document.documentElement.lang = data.lang
  const before = window[KEEP]
  before?.observer.disconnect()
  if (before) document.removeEventListener("paste", before.paste)

  const back = Object.fromEntries(Object.entries(before?.words ?? {}).map(([english, own]) => [own, english]))
  const fix = node => {
    const text = node.nodeValue.trim()
    const own = data.words[text] ?? data.words[back[text]]
    if (own && own !== text) node.nodeValue = own
  }
  const walk = root => {
    if (root.nodeType === Node.TEXT_NODE) return fix(root)
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT)
    while (walker.nextNode()) fix(walker.currentNode)
  }
  const observer = new MutationObserver(changes => changes.forEach(change => {
    if (change.type === "characterData") fix(change.target)
    else change.addedNodes.forEach(walk)
  }))
  walk(document.body)
  observer.observe(document.body, { subtree: true, childList: true, characterData: true })

  // A pasted picture goes to the uploader as if it had been dropped there.
  const paste = event => {
    const files = [...(event.clipboardData?.files ?? [])].filter(file => file.type.startsWith("image/"))
    const zone = document.querySelector("[data-testid=stFileUploaderDropzone]")
    if (!files.length || !zone) return
    event.preventDefault()
    const transfer = new DataTransfer()
    files.forEach(file => transfer.items.add(file))
    zone.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }))
  }
  document.addEventListener("paste", paste)
  window[KEEP] = { observer, paste, words: data.words }
}
