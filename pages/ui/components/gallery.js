const PATHS = {
  ok: "M5 12.5l4.5 4.5L19 7.5", x: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  download: "M12 4v11m0 0l-4.5-4.5M12 15l4.5-4.5M5 20h14",
  warn: "M12 4L2.8 20h18.4zM12 10v4.5M12 17.2v.3",
  ban: "M20.5 12a8.5 8.5 0 1 1-17 0a8.5 8.5 0 1 1 17 0M6 6l12 12",
  clock: "M20.5 12a8.5 8.5 0 1 1-17 0a8.5 8.5 0 1 1 17 0M12 7.5V12l3 2",
  left: "M14.5 6L8.5 12l6 6", right: "M9.5 6l6 6-6 6",
}
const svg = name => `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${PATHS[name]}" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></svg>`
const esc = text => String(text ?? "").replace(/[&<>"']/g, c => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[c])
const clock = s => { s = Math.max(0, Math.floor(s)); return Math.floor(s / 60) + ":" + String(s % 60).padStart(2, "0") }
const TROUBLE = { failed: ["red", "warn"], blocked: ["gray", "ban"], unknown: ["orange", "clock"] }

function body(item, text) {
  if (item.state === "succeeded") {
    return `<img src="${esc(item.thumb)}" alt="${esc(item.alt)}" loading="lazy" decoding="async">`
      + `<button class="open" data-act="open" aria-label="${esc(text.open + ": " + item.alt)}"></button>`
      + (item.chip ? `<span class="chip ${esc(item.chip.color)}">${svg(item.chip.icon)}${esc(item.chip.text)}</span>` : "")
      + (item.download ? `<span class="tools"><a class="icon" href="${esc(item.download)}" download aria-label="${esc(text.download + ": " + item.alt)}">${svg("download")}</a></span>` : "")
  }
  if (item.state === "running") return `<div class="wait running"><p>${svg("clock")}${esc(text.running)} <span class="clock" data-since="${+item.since}"></span></p></div>`
  if (item.state === "queued") return `<div class="wait queued"><p>${esc(item.say || text.queued)}</p></div>`
  const [color, icon] = TROUBLE[item.state] ?? TROUBLE.failed
  return `<div class="say ${color}" tabindex="0" role="group" aria-label="${esc(item.title)}"><div><p class="what">${svg(icon)}${esc(item.title)}</p><p>${esc(item.say)}</p></div>`
    + (item.act ? `<button class="button" data-act="${esc(item.does ?? "retry")}">${esc(item.act)}</button>` : "") + "</div>"
}

function keyed(parent, list, make, update) {
  const old = new Map([...parent.children].map(node => [node.dataset.id, node]))
  list.forEach((entry, i) => {
    const id = String(entry.id)
    const node = old.get(id) ?? make(entry)
    old.delete(id)
    node.dataset.id = id
    if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] ?? null)
    update(node, entry)
  })
  old.forEach(node => node.remove())
}

function set(node, html) {
  if (node.__html !== html) { node.innerHTML = html; node.__html = html }
}

function element(tag, name, role) {
  const node = document.createElement(tag)
  node.className = name
  if (role) node.setAttribute("role", role)
  return node
}

function drawCard(node, item, text, picked) {
  const on = Boolean(picked && (picked.every || picked.keys.has(String(item.id))))
  node.className = "card" + (item.state in TROUBLE ? " wide" : "") + (picked ? " picks" : "") + (on ? " on" : "")
  if (!node.firstChild) node.append(element("div", "frame"), element("div", "caption"))
  set(node.children[0], body(item, text))
  set(node.children[1], item.caption ? `<b title="${esc(item.caption)}">${esc(item.caption)}</b><span class="small">${esc(item.small)}</span>` : "")
  if (picked) drawPick(node, item, text, picked.every, on)
}

function drawPick(node, item, text, every, on) {
  if (!node.children[2]) {
    const label = element("label", "pick")
    label.append(Object.assign(document.createElement("input"), { type: "checkbox" }))
    node.append(label)
  }
  const box = node.children[2].firstChild
  box.setAttribute("aria-label", text.select + ": " + (item.alt ?? item.title ?? item.caption))
  box.checked = on
  box.disabled = every
}

function drawGroup(node, group, data, picked) {
  node.className = group.source ? "group" : "group bare"
  if (!node.firstChild) {
    const grid = element("div", "grid", "list")
    node.append(element("div", "source"), grid)
  }
  const s = group.source
  set(node.children[0], s ? `<div class="frame"><img src="${esc(s.thumb)}" alt="${esc(s.alt)}" decoding="async"></div><b>${esc(s.name)}</b><span class="small">${esc(s.small)}</span>` : "")
  node.children[0].hidden = !s
  const grid = node.children[1]
  grid.style.setProperty("--min", data.min + "px")
  keyed(grid, group.items, () => element("div", "card", "listitem"), (card, item) => drawCard(card, item, data.text, picked))
}

function large(root, data, id) {
  const all = data.groups.flatMap(g => g.items.filter(i => i.state === "succeeded").map(i => ({ ...i, source: g.source })))
  let at = all.findIndex(i => String(i.id) === id)
  if (at < 0) return
  const box = document.createElement("dialog")
  const t = data.text
  const draw = () => {
    const item = all[at], src = item.source?.image
    box.setAttribute("aria-label", item.alt)
    box.innerHTML = `<div class="bar"><b>${esc(item.alt)}</b>
      <button class="icon" data-step="-1" aria-label="${esc(t.previous)}">${svg("left")}</button>
      <button class="icon" data-step="1" aria-label="${esc(t.next)}">${svg("right")}</button>
      <a class="icon" href="${esc(item.download)}" download aria-label="${esc(t.download)}">${svg("download")}</a>
      <button class="icon" data-close aria-label="${esc(t.close)}">${svg("x")}</button></div>
      <div class="pair ${src ? "" : "one"}">${src ? `<figure class="pane"><figcaption>${esc(t.source)}</figcaption><img src="${esc(src)}" alt="${esc(t.source)}"></figure>` : ""}
      <figure class="pane"><figcaption>${esc(t.result)}</figcaption><img src="${esc(item.image)}" alt="${esc(item.alt)}"></figure></div>`
  }
  const step = n => { at = (at + n + all.length) % all.length; draw(); box.querySelector("[data-close]").focus() }
  box.onclick = e => {
    if (e.target === box || e.target.closest("[data-close]")) box.close()
    const b = e.target.closest("[data-step]")
    if (b) step(+b.dataset.step)
  }
  box.onkeydown = e => {
    if (e.key === "ArrowLeft") step(-1)
    if (e.key === "ArrowRight") step(1)
    e.stopPropagation()
  }
  box.onclose = () => { box.remove(); root.querySelector(`[data-id="${CSS.escape(id)}"] .open`)?.focus() }
  draw()
  root.append(box)
  box.showModal()
}

export default function ({ data, parentElement, setTriggerValue, setStateValue }) {
  const root = parentElement.querySelector(".root")
  if (!root.firstChild) root.append(element("div", "groups"))
  // What is selected is known here first: only another edition takes the page's word for it.
  if (data.pick && root.__picked?.edition !== data.pick.edition) root.__picked = { ...data.pick, keys: new Set(data.pick.keys) }
  const picked = data.pick && root.__picked
  const draw = () => keyed(root.firstChild, data.groups.map((g, i) => ({ id: g.id ?? i, ...g })), () => element("section", "group"), (node, group) => drawGroup(node, group, data, picked))
  const shown = JSON.stringify(data)
  if (root.__shown !== shown) {
    root.__shown = shown
    draw()
  }
  const tell = () => {
    draw()
    setStateValue("selected", { edition: picked.edition, keys: [...picked.keys] })
  }
  root.firstChild.onchange = e => {
    const id = e.target.closest(".card").dataset.id
    if (e.target.checked) picked.keys.add(id)
    else picked.keys.delete(id)
    tell()
  }
  root.firstChild.onkeydown = e => {
    if (!picked || picked.every || e.altKey || e.shiftKey) return
    if (e.key === "Escape" && picked.keys.size) picked.keys.clear()
    else if (e.key === "a" && (e.ctrlKey || e.metaKey)) data.groups.forEach(g => g.items.forEach(i => picked.keys.add(String(i.id))))
    else return
    e.preventDefault()
    tell()
  }
  const offset = Date.now() / 1000 - data.now
  const tick = () => root.querySelectorAll("[data-since]").forEach(n => { n.textContent = clock(Date.now() / 1000 - offset - +n.dataset.since) })
  tick()
  clearInterval(root.__timer)
  root.__timer = setInterval(tick, 1000)
  root.firstChild.onclick = e => {
    const button = e.target.closest("[data-act]")
    if (!button) return
    const id = button.closest(".card").dataset.id
    if (button.className === "open" && data.opens === "large") return large(root, data, id)
    if (button.dataset.act === "retry") button.disabled = true
    setTriggerValue("act", { act: button.dataset.act, id })
  }
  return () => clearInterval(root.__timer)
}
