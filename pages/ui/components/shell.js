// Streamlit's own texts are English; they are replaced by exact match, wherever they appear.
const KEEP = "__packshotShell"
const SIZE = /\d[\d.,]*\s?[KMGT]?B\b/
const NAMED = ["aria-label", "title", "placeholder"]
const TYPES = ".jpg,.jpeg,.png,.webp,.avif,.heic,.heif"

function translator(words, before) {
  const back = Object.fromEntries(Object.entries(before ?? {}).map(([english, own]) => [own, english]))
  return text => {
    const size = text.match(SIZE)?.[0] ?? ""
    const found = words[text] ?? words[back[text]] ?? back[text] ?? (size && words[text.replace(size, "{size}")])
    return found ? found.replace("{size}", size) : undefined
  }
}

function prepare(say) {
  const text = node => {
    const said = node.nodeValue.trim()
    const own = said && say(said)
    if (own && own !== said) node.nodeValue = node.nodeValue.replace(said, own)
  }
  const element = node => {
    NAMED.forEach(name => {
      const own = say(node.getAttribute(name) ?? "")
      if (own && own !== node.getAttribute(name)) node.setAttribute(name, own)
    })
    if (node.dataset?.testid === "stFileUploaderDropzoneInput" && !node.accept) node.accept = TYPES
  }
  return root => {
    if (root.nodeType === Node.TEXT_NODE) return text(root)
    if (root.nodeType !== Node.ELEMENT_NODE) return
    element(root)
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT)
    while (walker.nextNode()) (walker.currentNode.nodeType === Node.TEXT_NODE ? text : element)(walker.currentNode)
  }
}

// A pasted picture goes to the uploader as if it had been dropped there.
function paste(event) {
  const files = [...(event.clipboardData?.files ?? [])].filter(file => file.type.startsWith("image/"))
  const zone = document.querySelector("[data-testid=stFileUploaderDropzone]")
  if (!files.length || !zone) return
  event.preventDefault()
  const transfer = new DataTransfer()
  files.forEach(file => transfer.items.add(file))
  zone.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }))
}

// Generate is off from the press until the page was drawn again: its rows exist by then.
function press(event) {
  const button = document.querySelector(".st-key-press button:not(:disabled)")
  const hit = event.type === "click" ? button?.contains(event.target) : event.ctrlKey && event.key === "Enter"
  const app = document.querySelector("[data-testid=stApp]")
  if (!button || !hit || !app || event.target.closest?.("textarea, input")) return
  document.documentElement.dataset.pressed = ""
  let ran = false
  const watcher = new MutationObserver(() => {
    ran ||= app.dataset.testScriptState !== "notRunning"
    if (ran && app.dataset.testScriptState === "notRunning") done()
  })
  const done = () => {
    delete document.documentElement.dataset.pressed
    watcher.disconnect()
  }
  watcher.observe(app, { attributes: true })
  setTimeout(done, 60_000)
}

export default function ({ data }) {
  const before = window[KEEP]
  const shown = JSON.stringify(data)
  if (before?.shown === shown) return // The observer sees what changes from here on.
  document.documentElement.lang = data.lang
  before?.stop()
  const fix = prepare(translator(data.words, before?.words))
  const observer = new MutationObserver(changes => changes.forEach(change => {
    if (change.type === "characterData") fix(change.target)
    else change.addedNodes.forEach(fix)
  }))
  fix(document.body)
  observer.observe(document.body, { subtree: true, childList: true, characterData: true })
  document.addEventListener("paste", paste)
  document.addEventListener("click", press)
  document.addEventListener("keydown", press)
  const stop = () => {
    observer.disconnect()
    document.removeEventListener("paste", paste)
    document.removeEventListener("click", press)
    document.removeEventListener("keydown", press)
  }
  window[KEEP] = { stop, shown, words: data.words }
}
