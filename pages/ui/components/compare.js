// One picture beside its source, judged by keys. What is judged waits in an outbox until the server has it.
const KEEP = "packshot-review"
const MODES = ["side", "slider", "flip"]
const PREFETCH = 3 // Pictures that are decoded ahead.
const HOLD = 180 // Milliseconds after which a touch is a hold.
const LATE = 3000 // Milliseconds after which an act that is not saved is said to be so.
const BEAT = 20_000 // Milliseconds after which the server hears again which picture is looked at.
const BACK = 60 // Judged pictures that stay in the strip.
const PATHS = {
  ok: "M5 12.5l4.5 4.5L19 7.5", x: "M6.5 6.5l11 11M17.5 6.5l-11 11", warn: "M12 4L2.8 20h18.4zM12 10v4.5M12 17.2v.3",
  eye: "M2.5 12s3.5-6 9.5-6 9.5 6 9.5 6-3.5 6-9.5 6-9.5-6-9.5-6zM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5",
  cloud: "M7 18.5a4.5 4.5 0 0 1 .4-9A5.5 5.5 0 0 1 18 10.6a4 4 0 0 1 1.5 7.4M12 12v4.5M12 19v.3",
  split: "M9 7l-5 5 5 5M15 7l5 5-5 5",
}
const svg = name => `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${PATHS[name]}"/></svg>`
const esc = text => String(text ?? "").replace(/[&<>"']/g, c => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[c])
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all)
const between = (low, value, high) => Math.min(Math.max(value, low), Math.max(low, high))

function uuid() { // crypto.randomUUID is there on secure pages only.
  const b = crypto.getRandomValues(new Uint8Array(16))
  b[6] = b[6] & 15 | 64
  b[8] = b[8] & 63 | 128
  const hex = [...b].map(n => n.toString(16).padStart(2, "0")).join("")
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
}

function set(node, html) { // What did not change keeps its nodes, and with them the focus.
  if (node.__html !== html) { node.innerHTML = html; node.__html = html }
}

// Pictures that are loaded and decoded, the last used at the end.
class Pictures {
  known = new Map()
  get(url) {
    let one = this.known.get(url)
    if (!one) {
      const image = new Image()
      one = { image, state: "loading" }
      image.src = url
      one.done = image.decode().then(() => { one.state = "ready" }, () => { one.state = image.naturalWidth ? "ready" : "broken" })
    }
    this.known.delete(url)
    this.known.set(url, one)
    for (const old of this.known.keys()) if (this.known.size > 96) this.known.delete(old); else break
    return one
  }
  forget(url) { this.known.delete(url) }
}

class Compare {
  constructor(root) {
    this.root = root
    this.pictures = new Pictures()
    this.list = []
    this.at = null
    this.over = false // All that is known was judged.
    this.mode = innerWidth <= 640 ? "flip" : "side"
    this.zoom = { z: 1, x: .5, y: .5 }
    this.split = 50
    this.held = false
    this.mine = new Map() // What was judged here and the server has not shown yet.
    this.acts = []
    this.seq = 0
    this.sitting = uuid() // A page that is loaded again goes on with it.
    this.done = []
    this.notes = new Map()
    this.why = null
    this.clashes = []
    this.heard = new Set()
    this.times = []
    this.judged = this.rest = this.beats = 0
    this.points = new Map()
    this.build()
    this.listen()
  }

  build() {
    this.root.innerHTML = `<div class="top"><div class="title"><b></b><div class="facts small"></div></div>
      <div class="tools"><div class="modes" role="radiogroup">${MODES.map(m => `<button role="radio" data-mode="${m}"></button>`).join("")}</div>
      <span class="small percent"></span><button class="button zoom" data-do="zoom"></button></div></div>
      <div class="stage"><div class="pane a"><img class="source" decoding="sync"><span class="tag"></span><div class="gone" hidden></div></div>
      <div class="pane b"><img class="result" decoding="sync"><img class="source" decoding="sync" alt=""><span class="tag"></span><div class="gone" hidden></div></div>
      <div class="handle" role="slider" tabindex="0" aria-valuemin="0" aria-valuemax="100">${svg("split")}</div><div class="end" hidden></div></div>
      <div class="row"><div class="strip" role="group" tabindex="-1"></div><div class="why" role="group" hidden></div><div class="clash" role="alert" hidden></div></div>
      <div class="bar"><button class="button reject" data-do="reject"></button><button class="button undo" data-do="undo"></button>
      <span class="small hint"></span><span class="toast" hidden></span>
      <button class="button best" data-do="best"></button><button class="button approve" data-do="approve"></button></div>
      <div class="hidden live" role="status"></div>`
    const $ = selector => this.root.querySelector(selector)
    this.dom = { name: $(".title b"), facts: $(".facts"), modes: $(".modes"), percent: $(".percent"), zoom: $(".zoom"), stage: $(".stage"),
      a: $(".pane.a"), b: $(".pane.b"), before: $(".a .source"), result: $(".b .result"), source: $(".b .source"),
      handle: $(".handle"), end: $(".end"), strip: $(".strip"), why: $(".why"), clash: $(".clash"), hint: $(".hint"), toast: $(".toast"),
      live: $(".live"), reject: $(".reject"), undo: $(".undo"), best: $(".best"), approve: $(".approve") }
  }

  // --- what comes from the server, and what goes to it

  take(data, ports) {
    const first = !this.data, whole = Boolean(data.items)
    if (!whole) data = { items: [], place: null, total: 0, ...this.data, ...data } // Only what was taken is told.
    Object.assign(this, { data, text: data.text, ports })
    if (first) this.restore()
    if (this.view !== data.view) {
      this.seal()
      Object.assign(this, { view: data.view, list: [], at: first ? this.at : null, over: false })
    }
    const acts = this.acts.filter(act => act.seq > data.ack), sent = new Map(this.acts.map(act => [act.key, act]))
    if (acts.length < this.acts.length) this.waiting = acts.length ? Date.now() : 0
    this.acts = acts
    this.seq = Math.max(this.seq, data.ack)
    if (whole) { this.merge(data.items); this.ended = data.beat }
    data.results.forEach(result => this.hear(result, sent.get(result.act)))
    if (this.index >= 0) this.asks = false
    else if (whole) this.find(data)
    if (this.over) this.goOn()
    this.keep()
    this.draw()
    this.beat()
    if (this.asks === true || first) this.say()
  }

  find(data) { // The picture to be looked at is not known here: the server is asked for it once.
    if (this.at !== null && this.at !== data.place && !this.asks) this.asks = true
    else if (!this.asks || data.beat >= this.asks) Object.assign(this, { at: data.place ?? this.list[0]?.id ?? null, asks: false })
  }

  merge(items) {
    const pending = new Set(this.acts.flatMap(act => act.of))
    items.forEach(item => { if (!pending.has(item.id)) this.mine.delete(item.id) })
    const begins = this.list.findIndex(item => item.id === items[0]?.id)
    const fresh = new Map(items.map(item => [item.id, item]))
    let kept = begins < 0 ? [] : this.list.slice(0, begins)
    const here = this.index
    if (here >= 0 && !fresh.has(this.at) && here >= kept.length) kept = this.list.slice(0, here + 1)
    if (items.length || !this.data.trouble) this.list = [...kept.filter(item => !fresh.has(item.id)), ...items]
    const now = this.index
    this.rest = this.data.total - this.acts.reduce((sum, act) => sum + act.fresh, 0)
    if (now > BACK) this.list = this.list.slice(now - BACK)
  }

  hear(result, act) { // `act` was not saved: all that it changed is as it was.
    if (this.heard.has(result.act)) return
    this.heard.add(result.act)
    const item = this.list.find(one => one.id === result.id)
    if (item) result = { ...result, name: this.named(item), thumb: item.thumb }
    for (const id of act?.of ?? [result.id]) this.mine.delete(id)
    this.judged -= act?.fresh ?? 0
    this.done = this.done.filter(one => one.act !== result.act)
    // Of a set it may be another one of the photo that somebody judged.
    if (result.other && item && !result.mine.best) Object.assign(item, { verdict: result.other.verdict, by: result.other.by, seen: result.other.id })
    this.clashes.push(result)
  }

  say() {
    clearTimeout(this.saying)
    this.waiting ||= this.acts.length ? Date.now() : 0
    this.beats++
    if (this.asks === true) this.asks = this.beats
    this.ports.say({ acts: this.acts, sitting: this.sitting, place: this.over ? null : this.at, beat: this.beats, have: this.list.length })
    this.keep()
    this.beat()
  }

  beat() { // Also what finds out that nothing is saved any more, and sends it again.
    clearTimeout(this.beating)
    this.beating = setTimeout(() => {
      if (this.acts.length || !document.hidden) this.say()
      this.draw()
    }, this.acts.length ? LATE : BEAT)
  }

  keep() {
    try {
      sessionStorage.setItem(KEEP, JSON.stringify({ who: this.data.who, sitting: this.sitting, view: this.view, at: this.over ? null : this.at, seq: this.seq, acts: this.acts, notes: [...this.notes],
        why: this.why, clashes: this.clashes, done: this.done.slice(-50), times: this.times.slice(-200), judged: this.judged }))
    } catch { /* No room, or not allowed: the outbox lives as long as the page. */ }
  }

  restore() {
    let kept
    try { kept = JSON.parse(sessionStorage.getItem(KEEP)) } catch { return }
    if (kept?.who !== this.data.who) return
    const { acts, seq, sitting, clashes, done, times, why, notes, judged } = kept
    Object.assign(this, { acts, seq, sitting, clashes, done, times, why, notes: new Map(notes), judged })
    this.view = kept.view
    this.at = kept.view === this.data.view ? kept.at : null
    this.clashes.forEach(clash => this.heard.add(clash.act))
    for (const act of acts) for (const id of act.of) {
      const verdict = act.verdict === "undone" ? "to_review" : act.best && id !== act.id ? "rejected" : act.verdict
      this.mine.set(id, { verdict, reason: act.reason, note: act.note })
    }
    this.seal()
  }

  // --- judging

  get index() { return this.list.findIndex(item => item.id === this.at) }
  get item() { return this.over ? undefined : this.list[this.index] }
  get left() { return this.list.filter(item => this.verdict(item).verdict === "to_review") }
  verdict(item) { return this.mine.get(item.id) ?? item }
  family(item) { return this.list.filter(one => one.photo === item.photo) }

  // `of` are all pictures that the act changes, `fresh` how many of them waited.
  push(item, verdict, { reason = null, note = "", best = false, of = [item.id], fresh = 0 } = {}) {
    const act = { seq: ++this.seq, key: uuid(), id: item.id, verdict, reason, note, best, seen: item.seen ?? null, of, fresh }
    this.acts.push(act)
    return act
  }

  decide(verdict, best = false) {
    const item = this.item
    if (!item) return
    if (verdict === "approved" && this.pictures.get(item.image).state === "broken") return this.toast(this.text.unseen)
    this.seal()
    const note = this.notes.get(item.id) ?? ""
    this.notes.delete(item.id)
    const waits = one => this.verdict(one).verdict === "to_review"
    const others = best ? this.family(item).filter(one => one !== item && this.verdict(one).verdict !== "rejected") : []
    const fresh = [item, ...others].filter(waits).length
    const was = [item, ...others].map(one => {
      const { verdict, reason, note, by } = this.verdict(one)
      return [one.id, { verdict, reason, note, by }]
    })
    const of = was.map(([id]) => id)
    const act = this.push(item, verdict, { note, best: best && this.family(item).length > 1, of, fresh })
    this.mine.set(item.id, { verdict, note })
    others.forEach(one => this.mine.set(one.id, { verdict: "rejected" }))
    this.done.push({ at: item.id, act: act.key, seen: item.seen ?? null, was, fresh })
    this.judged += fresh
    this.rest -= fresh
    this.times.push(Date.now())
    if (verdict === "rejected") this.why = { id: item.id, thumb: item.thumb, verdict, reason: null, note, seen: item.seen ?? null, sent: { reason: null, note } }
    this.toast(`${best && others.length ? this.text.best : this.text[verdict]}: ${this.named(item)}`)
    const next = this.list.slice(this.index + 1).find(waits)
    if (next) this.at = next.id
    else {
      Object.assign(this, { over: true, ends: this.beats + 1 })
      this.goOn()
    }
    this.say()
    this.draw()
    this.tell()
  }

  goOn() { // All that was known here is judged; more may have come.
    const next = this.left[0]
    if (!next) return
    Object.assign(this, { over: false, at: next.id })
  }

  undo() {
    const last = this.done.pop()
    if (!last) return
    this.why = null
    // By what was seen when it was judged: what somebody else has said since is not taken back unseen.
    this.push({ id: last.at, seen: last.seen }, "undone", { of: last.was.map(([id]) => id), fresh: -last.fresh })
    last.was.forEach(([id, known]) => this.mine.set(id, known))
    Object.assign(this, { at: last.at, over: false, judged: this.judged - last.fresh })
    this.rest += last.fresh
    this.times.pop()
    this.asks = this.index < 0
    this.toast(this.text.undone)
    this.say()
    this.draw()
    this.tell()
  }

  step(by) {
    this.seal()
    if (this.over) { if (by < 0 && this.list.length) this.over = false } else {
      const next = this.list[this.index + by]
      if (next) this.at = next.id
    }
    clearTimeout(this.saying)
    this.saying = setTimeout(() => this.say(), 120)
    this.keep()
    this.draw()
    this.tell()
  }

  seal() { // The row of reasons is left: what it says goes out.
    const why = this.why
    this.why = null
    if (!why) return
    const note = why.note.trim()
    if (!why.verdict) {
      if (note) this.notes.set(why.id, note)
      else this.notes.delete(why.id)
    } else if (why.reason !== why.sent.reason || note !== why.sent.note) {
      this.notes.delete(why.id)
      this.push({ id: why.id, seen: why.seen }, why.verdict, { reason: why.reason, note })
      this.mine.set(why.id, { verdict: why.verdict, reason: why.reason, note })
      if (this.ports) this.say()
    }
  }

  reason(value) {
    if (!this.why?.verdict || this.clashes.length) return
    const why = { ...this.why, reason: value }
    this.why = why
    this.seal()
    this.why = { ...why, note: why.note.trim(), sent: { reason: value, note: why.note.trim() } }
    this.keep()
    this.draw()
  }

  note() { // For the picture whose row is open, else for the one that is looked at.
    if (!this.why && this.item) {
      const item = this.item, known = this.verdict(item)
      const judged = known.verdict === "to_review" ? null : known.verdict
      const note = this.notes.get(item.id) ?? (judged && known.note) ?? ""
      this.why = { id: item.id, thumb: item.thumb, verdict: judged, reason: known.reason ?? null, note, seen: item.seen ?? null, sent: { reason: known.reason ?? null, note: known.note ?? "" } }
      this.draw()
    }
    this.dom.why.querySelector(".note")?.focus()
  }

  contested(clash) { return clash.other && clash.mine.verdict !== "undone" }

  settle(overwrite) {
    const clash = this.clashes.shift()
    if (!clash) return
    if (overwrite && this.contested(clash)) {
      const item = this.list.find(one => one.id === clash.id)
      const act = this.push({ id: clash.id, seen: clash.other.id }, clash.mine.verdict, clash.mine)
      this.mine.set(clash.id, clash.mine)
      this.done.push({ at: clash.id, act: act.key, seen: clash.other.id, was: [[clash.id, { verdict: clash.other.verdict, by: clash.other.by }]], fresh: 0 })
      if (item) item.seen = clash.other.id
      this.say()
    } else if (clash.mine.note) this.notes.set(clash.id, clash.mine.note) // The verdict is given up, its note is not.
    this.keep()
    this.draw()
    this.root.focus()
  }

  // --- drawing

  named(item) { return [item.sku, item.name].filter(Boolean).join(" · ") }
  state(item) { return this.text[this.verdict(item).verdict] }
  get total() { // What was judged here and what still waits.
    return this.judged + Math.max(this.rest, this.left.length)
  }
  number(item) {
    const at = this.list.indexOf(item), waits = one => this.verdict(one).verdict === "to_review"
    const before = this.list.slice(0, at).filter(waits).length, after = this.list.slice(at).filter(one => !waits(one)).length
    return Math.max(1, this.judged + 1 + before - after)
  }

  draw() {
    if (!this.data) return
    const { dom, text } = this, item = this.item
    dom.modes.setAttribute("aria-label", text.view)
    for (const button of dom.modes.children) {
      const on = button.dataset.mode === this.mode
      set(button, esc(text[button.dataset.mode]))
      button.setAttribute("aria-checked", on)
      button.tabIndex = on ? 0 : -1
    }
    set(dom.zoom, `100% <kbd>Z</kbd>`)
    const button = (node, word, key, on) => { set(node, `${esc(word)} <kbd>${key}</kbd>`); node.setAttribute("aria-disabled", !on) }
    button(dom.reject, text.reject, "X", item)
    button(dom.undo, text.undo, "U", this.done.length)
    button(dom.best, text.best, "B", item && this.family(item).length > 1)
    button(dom.approve, text.approve, "A", item)
    this.drawTitle(item)
    this.drawStage(item)
    this.drawStrip()
    this.drawWhy()
    this.drawClash()
    const said = this.said && Date.now() < this.said.until ? this.said.text : ""
    dom.hint.hidden = said !== ""
    dom.toast.hidden = !said
    dom.toast.textContent = said
    dom.hint.textContent = [text.hint, this.pace()].filter(Boolean).join(" · ")
  }

  drawTitle(item) {
    const { dom, text } = this
    dom.name.textContent = item ? this.named(item) : ""
    dom.name.title = dom.name.textContent
    const badge = (color, icon, say) => `<span class="badge ${color}">${svg(icon)}${esc(say)}</span>`
    const late = this.waiting && Date.now() - this.waiting >= LATE || this.data.trouble
    const facts = []
    if (item) {
      const known = this.verdict(item), more = this.data.total > this.data.most ? "+" : ""
      facts.push(`<span>${this.number(item)} / ${this.total}${more} · ${esc(item.look)}</span>`)
      if (late) facts.push(this.unsaved(badge))
      if (known.verdict !== "to_review") facts.push(badge(known.verdict === "approved" ? "green" : "red", known.verdict === "approved" ? "ok" : "x", [this.state(item), known.by && fill(text.by, { name: known.by })].filter(Boolean).join(" ")))
      if (item.held) facts.push(badge("orange", "eye", fill(text.held, { name: item.held })))
      if (item.flagged) facts.push(`<a class="badge orange" href="history?output=${esc(item.id)}" target="_blank" rel="noopener" title="${esc(text.evidence)}">${svg("warn")}${esc(item.compared === "could_not_compare" ? text.uncompared : text.flagged)}</a>`)
      if (this.notes.has(item.id)) facts.push(badge("gray", "warn", text.noted))
    } else if (late) facts.push(this.unsaved(badge))
    set(dom.facts, facts.join(""))
  }

  unsaved(badge) {
    const { text, data } = this
    return badge("orange", "cloud", this.acts.length ? fill(text.unsaved, { n: this.acts.length }) : data.trouble)
  }

  drawStage(item) {
    const { dom, text } = this
    const gone = node => { node.hidden = true }
    dom.stage.className = `stage ${this.mode}${this.held ? " held" : ""}`
    dom.stage.style.setProperty("--split", this.split + "%")
    dom.a.querySelector(".tag").textContent = text.source
    dom.b.querySelector(".tag").textContent = this.held ? text.source : text.result
    dom.handle.setAttribute("aria-label", text.split)
    dom.handle.setAttribute("aria-valuenow", Math.round(this.split))
    this.drawEnd(item)
    if (!item) return [...this.root.querySelectorAll(".gone")].forEach(gone)
    this.show(dom.before, item.source, item.small)
    this.show(dom.source, item.source, item.small)
    this.show(dom.result, item.image, item.thumb)
    dom.before.alt = text.source
    dom.result.alt = `${text.result}: ${this.named(item)}`
    this.drawGone(dom.a, item.source, text.gone_source)
    const shown = this.held ? item.source : item.image
    this.drawGone(dom.b, shown, this.held ? text.gone_source : text.gone)
    const at = this.index
    for (const next of [...this.list.slice(at + 1, at + 1 + PREFETCH), ...this.list.slice(Math.max(0, at - 1), at)]) {
      this.pictures.get(next.image)
      this.pictures.get(next.source)
    }
    for (const next of this.list.slice(at, at + 2 * PREFETCH)) this.pictures.get(next.small)
    this.place()
  }

  show(node, url, small) {
    const one = this.pictures.get(url)
    const little = small && one.state !== "ready" ? this.pictures.get(small) : null
    const now = one.state === "ready" ? url : little?.state === "ready" ? small : null
    if (now === null) node.removeAttribute("src")
    else if (node.getAttribute("src") !== now) node.src = now
    node.__size = now === null ? null : now === url ? one.image : little.image
    for (const other of [one, little]) if (other?.state === "loading" && !other.told) { other.told = true; other.done.then(() => this.draw()) }
  }

  drawGone(pane, url, say) {
    const node = pane.querySelector(".gone"), broken = this.pictures.get(url).state === "broken"
    node.hidden = !broken
    if (broken) set(node, `${svg("warn")}<p>${esc(say)}</p><button class="button" data-do="reload">${esc(this.text.reload)}</button>`)
  }

  drawEnd(item) {
    const { dom, text, data } = this
    dom.end.hidden = Boolean(item)
    if (item) return
    const done = !this.acts.length && !data.trouble && this.over && this.ended >= this.ends
    const end = data.further ? text.further : data.total ? fill(text.others, { n: data.total }) : text.all
    const say = done ? `<b>${esc(end)}</b><p>${esc(this.pace() || "")}</p><div class="acts">${data.total && !data.further ? `<button class="button" data-do="held">${esc(text.held_too)}</button>` : ""}<button class="button main" data-do="export">${esc(text.export)}</button></div>`
      : `<p role="status">${esc(this.acts.length ? fill(text.saving, { n: this.acts.length }) : text.coming)}</p>`
    set(dom.end, say)
    if (done) dom.live.textContent = end
  }

  drawStrip() {
    const { strip } = this.dom
    strip.hidden = Boolean(this.why || this.clashes.length)
    strip.setAttribute("aria-label", this.text.strip)
    const old = new Map([...strip.children].map(node => [node.dataset.id, node]))
    this.list.forEach((item, i) => {
      const node = old.get(item.id) ?? Object.assign(document.createElement("button"), { className: "thumb" })
      old.delete(item.id)
      node.dataset.id = item.id
      if (strip.children[i] !== node) strip.insertBefore(node, strip.children[i] ?? null)
      const { verdict } = this.verdict(item), ok = verdict === "approved"
      set(node, `<img src="${esc(item.thumb)}" alt="">` + (verdict === "to_review" ? "" : `<i class="${ok ? "green" : "red"}">${svg(ok ? "ok" : "x")}</i>`))
      node.classList.toggle("first", item.photo !== this.list[i - 1]?.photo)
      node.setAttribute("aria-label", `${this.named(item)}, ${item.look}, ${this.state(item)}`)
      node.setAttribute("aria-current", item === this.item)
      node.tabIndex = item === this.item ? 0 : -1
    })
    old.forEach(node => node.remove())
    const current = strip.querySelector("[aria-current=true]")
    if (current) strip.scrollLeft = Math.max(0, current.offsetLeft - strip.offsetLeft - strip.clientWidth / 2)
  }

  drawWhy() {
    const { why: node } = this.dom, { why, text } = this
    node.hidden = !why || this.clashes.length > 0
    if (!why) return set(node, "")
    const item = this.list.find(one => one.id === why.id)
    node.setAttribute("aria-label", fill(why.verdict === "rejected" ? text.why : text.note_of, { name: item ? this.named(item) : "" }))
    const chips = why.verdict === "rejected" ? text.reasons.map(([value, word], i) => `<button class="chip" data-reason="${esc(value)}"><kbd>${i + 1}</kbd>${esc(word)}</button>`).join("") : ""
    set(node, `<img src="${esc(why.thumb)}" alt="">${chips}<input class="note" maxlength="2000" data-of="${esc(why.id)}" aria-label="${esc(text.note)}" placeholder="${esc(text.note)}">`)
    for (const chip of node.querySelectorAll(".chip")) chip.setAttribute("aria-pressed", chip.dataset.reason === why.reason)
    const field = node.querySelector(".note")
    if (field.value !== why.note && this.root.getRootNode().activeElement !== field) field.value = why.note
  }

  drawClash() {
    const { clash: node } = this.dom, [clash] = this.clashes, { text } = this
    node.hidden = !clash
    if (!clash) return set(node, "")
    const reason = clash.other?.reason && text.reasons.find(([value]) => value === clash.other.reason)?.[1]
    const said = clash.other ? fill(text.clash, { name: clash.other.by, verdict: text[clash.other.verdict], what: clash.name }) + (reason || clash.other.note ? ` (${[reason, clash.other.note].filter(Boolean).join(": ")})` : "") : `${clash.name}: ${clash.say}`
    set(node, `<img src="${esc(clash.thumb)}" alt=""><p>${esc(said)}</p><button class="button" data-do="theirs">${esc(clash.other ? text.theirs : text.close)} <kbd>K</kbd></button>`
      + (this.contested(clash) ? `<button class="button" data-do="overwrite">${esc(fill(text.overwrite, { verdict: text[clash.mine.verdict] }))} <kbd>O</kbd></button>` : ""))
  }

  // Places are fractions of the picture, 0 to 1; a zoom of 1 shows all of it.
  place() {
    const { dom, item } = this
    if (!item) return
    const W = dom.b.clientWidth, H = dom.b.clientHeight
    const fit = (node, width) => {
      const image = node.__size
      if (!image?.naturalWidth) return null
      const w = Math.min(width, H * image.naturalWidth / image.naturalHeight) * .97
      return { w, h: w * image.naturalHeight / image.naturalWidth }
    }
    const put = (node, box, matrix) => {
      if (!box) return
      Object.assign(node.style, { width: box.w + "px", height: box.h + "px", transform: `matrix(${matrix.join()})` })
    }
    const plain = (box, width, { z, x, y } = this.zoom) => box && [z, 0, 0, z, width / 2 - box.w * z * x, H / 2 - box.h * z * y]
    const result = fit(dom.result, W), source = fit(dom.source, W)
    this.box = result ?? source
    if (!this.box) return
    this.full = (item.width ?? dom.result.__size?.naturalWidth ?? 1) / (this.box.w * devicePixelRatio)
    this.zoom.z = between(Math.min(1, this.full), this.zoom.z, Math.max(8, 4 * this.full))
    const edge = (size, room) => Math.min(.5, room / (2 * size * this.zoom.z))
    const [mx, my] = [edge(this.box.w, W), edge(this.box.h, H)]
    this.zoom.x = between(mx, this.zoom.x, 1 - mx)
    this.zoom.y = between(my, this.zoom.y, 1 - my)
    put(dom.result, result, plain(result, W))
    const laid = item.align && result && source ? this.laid(item.align, result, source, W, H) : plain(source, W)
    put(dom.source, source, laid)
    if (this.mode === "side") {
      const width = dom.a.clientWidth, box = fit(dom.before, width)
      put(dom.before, box, plain(box, width, item.align && result && box ? this.followed(item.align, result, box) : this.zoom))
    } else put(dom.before, fit(dom.before, W), laid)
    dom.percent.textContent = Math.round(this.zoom.z / this.full * 100) + "%"
  }

  // The source under the result: `align` takes fractions of the source to fractions of the result.
  laid([a, b, c, d, e, f], result, source, W, H) {
    const { z, x, y } = this.zoom, w = result.w * z, h = result.h * z
    return [w * a / source.w, h * d / source.w, w * b / source.h, h * e / source.h, W / 2 + w * (c - x), H / 2 + h * (f - y)]
  }

  // Side by side the source stands upright and whole; zoomed in, it shows the same place of the product at the same size.
  followed([a, b, c, d, e, f], result, box) {
    const det = a * e - b * d, { z, x, y } = this.zoom
    if (Math.abs(det) < 1e-6) return this.zoom
    const there = { x: (e * (x - c) - b * (y - f)) / det, y: (a * (y - f) - d * (x - c)) / det }
    const near = between(0, z - 1, 1), scale = Math.sqrt(Math.abs(det) * result.w * result.h / (box.w * box.h))
    const mix = (from, to) => from + (to - from) * near
    return { z: z * scale ** near, x: mix(x, between(0, there.x, 1)), y: mix(y, between(0, there.y, 1)) }
  }

  zoomTo(z, px = 0, py = 0) { // Keeps the point `px`, `py` (pixels from the middle of a pane) where it is.
    const old = this.zoom.z
    if (!this.box) return
    z = between(Math.min(1, this.full), z, Math.max(8, 4 * this.full))
    this.zoom.x += px / this.box.w * (1 / old - 1 / z)
    this.zoom.y += py / this.box.h * (1 / old - 1 / z)
    this.zoom.z = z
    this.place()
  }

  pan(dx, dy) {
    if (!this.box) return
    this.zoom.x -= dx / (this.box.w * this.zoom.z)
    this.zoom.y -= dy / (this.box.h * this.zoom.z)
    this.place()
  }

  pace() {
    const recent = this.times.filter(at => Date.now() - at < 600_000)
    if (!this.judged) return ""
    if (recent.length < 5) return fill(this.text.judged, { n: this.judged })
    const minutes = Math.max((recent.at(-1) - recent[0]) / 60_000, 1 / 60)
    return fill(this.text.pace, { n: this.judged, pace: Math.round((recent.length - 1) / minutes) })
  }

  toast(text) {
    this.said = { text, until: Date.now() + 4000 }
    clearTimeout(this.hiding)
    this.hiding = setTimeout(() => this.draw(), 4050)
    this.draw()
  }

  tell() {
    const item = this.item, { live } = this.dom
    live.textContent = item ? [fill(this.text.live, { n: this.number(item), total: this.total, state: this.state(item) }), this.named(item)].join(". ") : ""
  }

  help() {
    const { text, root } = this, box = document.createElement("dialog")
    box.setAttribute("aria-label", text.keys)
    box.innerHTML = `<h2>${esc(text.keys)}</h2><dl>${text.help.map(([keys, say]) => `<dt>${keys.split(" ").map(key => `<kbd>${esc(key)}</kbd>`).join(" ")}</dt><dd>${esc(say)}</dd>`).join("")}</dl><button class="button" autofocus>${esc(text.close)}</button>`
    box.onclick = event => { if (event.target === box || event.target.closest("button")) box.close() }
    box.onclose = () => box.remove()
    root.append(box)
    box.showModal()
  }

  // --- hands

  do(name) {
    const acts = {
      approve: () => this.decide("approved"), reject: () => this.decide("rejected"), undo: () => this.undo(),
      best: () => this.decide("approved", true),
      zoom: () => this.zoomTo(Math.abs(this.zoom.z / this.full - 1) < .01 ? 1 : this.full),
      theirs: () => this.settle(false), overwrite: () => this.settle(true),
      export: () => this.ports.act("export"), held: () => this.ports.act("held"), help: () => this.help(), note: () => this.note(),
      reload: () => { for (const url of [this.item.image, this.item.source]) if (this.pictures.get(url).state === "broken") this.pictures.forget(url); this.say(); this.draw() },
    }
    acts[name]()
  }

  modeTo(mode) { this.mode = mode; this.draw() }
  hold(on) { if (this.held !== on) { this.held = on; this.draw() } }

  listen() {
    const { root, dom } = this, stage = dom.stage
    root.onclick = event => {
      const button = event.target.closest("button")
      if (!button || button.closest("dialog") || button.getAttribute("aria-disabled") === "true") return
      const { mode, id, reason } = button.dataset
      if (mode) this.modeTo(mode)
      else if (id) { this.seal(); Object.assign(this, { at: id, over: false }); this.say(); this.draw(); this.tell() }
      else if (reason) this.reason(reason)
      else if (button.dataset.do) this.do(button.dataset.do)
      // After a click the arrows step again; who came by the keyboard stays on the button.
      if (event.detail > 0 && !button.dataset.do?.match(/export|held/)) root.focus({ preventScroll: true })
    }
    root.oninput = event => {
      if (!event.target.matches(".note") || event.target.dataset.of !== this.why?.id) return
      this.why.note = event.target.value
      this.keep()
    }
    root.onkeydown = event => this.inside(event)
    stage.onwheel = event => {
      event.preventDefault()
      const pane = event.target.closest(".pane") ?? dom.b, box = pane.getBoundingClientRect()
      this.zoomTo(this.zoom.z * Math.exp(-event.deltaY * (event.deltaMode ? .03 : .0016)), event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2)
    }
    stage.onpointerdown = event => this.down(event)
    stage.onpointermove = event => this.move(event)
    stage.onpointerup = stage.onpointercancel = event => this.up(event)
    this.keydown = event => this.key(event)
    this.keyup = event => { if (event.code === "KeyF") this.hold(false) }
    this.blur = () => this.hold(false)
    this.resize = new ResizeObserver(() => this.data && this.place())
    this.leave = () => { if (document.hidden && this.acts.length) this.say() }
  }

  start() { // One listener, however often the page is drawn.
    document.addEventListener("keydown", this.keydown)
    document.addEventListener("keyup", this.keyup)
    document.addEventListener("visibilitychange", this.leave)
    addEventListener("blur", this.blur)
    this.resize.observe(this.dom.stage)
  }

  stop() {
    document.removeEventListener("keydown", this.keydown)
    document.removeEventListener("keyup", this.keyup)
    document.removeEventListener("visibilitychange", this.leave)
    removeEventListener("blur", this.blur)
    this.resize.disconnect()
    clearTimeout(this.beating)
  }

  inside(event) { // What has the focus here and needs keys itself.
    const { target } = event, by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key]
    if (target.matches(".note")) {
      if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return
      this.seal()
      this.root.focus()
      this.draw()
    } else if (target.matches(".handle") && by) {
      this.split = between(0, this.split + by * 5, 100)
      this.draw()
    } else if (target.matches("[role=radio]") && by) {
      const at = MODES.indexOf(this.mode) + (event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : by)
      this.modeTo(MODES[(at + MODES.length) % MODES.length])
      this.dom.modes.querySelector("[aria-checked=true]").focus()
    } else return
    event.preventDefault()
    event.stopPropagation()
  }

  key(event) {
    const target = event.composedPath()[0]
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || !this.root.isConnected) return
    if (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return
    if (document.querySelector("[role=dialog], dialog[open]") || this.root.querySelector("dialog[open]")) return
    const { code } = event, asks = event.key === "?" || (code === "Slash" && event.shiftKey)
    if (event.shiftKey && !asks) return
    const digit = /^(?:Digit|Numpad)([1-8])$/.exec(code)
    const acts = { KeyA: "approve", KeyX: "reject", KeyU: "undo", KeyB: "best", KeyZ: "zoom", KeyN: "note", KeyK: "theirs", KeyO: "overwrite" }
    const steps = { ArrowLeft: -1, ArrowRight: 1 }
    if (asks) this.help()
    else if (code in steps && !target.matches?.("[role=radio], [role=slider], [role=tab]")) this.step(steps[code])
    else if (code === "KeyF") this.hold(true)
    else if (code === "KeyV" && !event.repeat) this.modeTo(MODES[(MODES.indexOf(this.mode) + 1) % MODES.length])
    else if (code === "Escape" && this.why) { this.seal(); this.draw() }
    else if (digit && this.why?.verdict === "rejected" && !event.repeat) this.reason(this.text.reasons[digit[1] - 1][0])
    else if (code in acts) { if (!event.repeat) this.do(acts[code]) }
    else return
    event.preventDefault()
  }

  down(event) {
    if (event.target.closest("button, .end") || event.button > 0) return
    this.points.set(event.pointerId, [event.clientX, event.clientY])
    this.dom.stage.setPointerCapture(event.pointerId)
    this.drag = event.target.closest(".handle") ? "handle" : "pan"
    clearTimeout(this.holding)
    if (this.mode === "flip" && this.points.size === 1) this.holding = setTimeout(() => this.hold(true), HOLD)
    this.from = [event.clientX, event.clientY]
  }

  move(event) {
    const before = this.points.get(event.pointerId)
    if (!before) return
    const now = [event.clientX, event.clientY], box = this.dom.stage.getBoundingClientRect()
    if (Math.hypot(now[0] - this.from[0], now[1] - this.from[1]) > 8) clearTimeout(this.holding)
    if (this.drag === "handle") {
      this.points.set(event.pointerId, now)
      this.split = between(0, (now[0] - box.left) / box.width * 100, 100)
      this.dom.stage.style.setProperty("--split", this.split + "%")
      this.dom.handle.setAttribute("aria-valuenow", Math.round(this.split))
    } else if (this.points.size === 2) {
      const other = [...this.points].find(([id]) => id !== event.pointerId)[1]
      const pane = this.dom.b.getBoundingClientRect(), far = point => Math.hypot(point[0] - other[0], point[1] - other[1])
      const middle = point => [(point[0] + other[0]) / 2, (point[1] + other[1]) / 2]
      const [was, is] = [middle(before), middle(now)]
      this.points.set(event.pointerId, now)
      this.zoomTo(this.zoom.z * far(now) / Math.max(1, far(before)), is[0] - pane.left - pane.width / 2, is[1] - pane.top - pane.height / 2)
      this.pan(is[0] - was[0], is[1] - was[1])
    } else {
      this.points.set(event.pointerId, now)
      if (!this.held) this.pan(now[0] - before[0], now[1] - before[1])
    }
  }

  up(event) {
    if (!this.points.delete(event.pointerId)) return
    clearTimeout(this.holding)
    if (this.mode === "flip") this.hold(false)
    this.root.focus({ preventScroll: true })
  }
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  const compare = root.__compare ??= new Compare(root)
  compare.take(data, { say: said => setStateValue("outbox", said), act: what => setTriggerValue("act", what) })
  compare.start()
  return () => compare.stop()
}
