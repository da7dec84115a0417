// The live client: keeps the open page equal to what the server would draw.
//
// The server sends keys ("conversation 1042", "folder 3 mine", "counts"), never
// HTML; see internal/query/pages_routes.go. A key makes one of three things
// stale: the folder counts, the list, the page. What is stale is read again,
// one request at a time: the first at once, then at most one a second. Nothing
// is read while a form or a visit is under way, or while the tab is hidden; it
// is read afterwards, never dropped. Whatever goes wrong, the page that stands
// stays, and it is tried again.
//
// A page that was asked for may have been drawn before something changed and
// arrive after it was told. So what was told since the page was asked for is
// held against it once more when it has arrived.
//
// One tab of a browser holds the stream and tells the others, where the
// browser has Web Locks (they need https or localhost). Elsewhere each visible
// tab holds its own.
import { base } from "./base"
import { morphPage } from "./morph"

type Part = "counts" | "list" | "page"

const GAP = 1000 // between two reads, plus up to a third more by chance
const LONGEST_BACKOFF = 30_000
const AHEAD = 11_000 // a page may have been fetched this long before its visit: Turbo keeps what it prefetched for 10 s
const STREAM = "postroom-events" + base

/** Names this tab, so that it can tell its own echo. */
export const tab = Array.from(crypto.getRandomValues(new Uint8Array(9)), (b) => b.toString(36)).join("")

export class Live {
  private stale = new Set<Part>()
  private reading = false
  private busy = 0 // forms and visits under way
  private failures = 0
  private readyAt = 0
  private timer = 0
  private began = 0 // when the form or visit under way began
  private heard = new Map<string, number>() // messages and when they came, the last ones last
  private epoch = 0 // grows with each visit: an answer for a page that is gone is dropped
  private etags = new Map<string, string>()
  private source: EventSource | null = null
  private channel: BroadcastChannel | null = null

  start(): void {
    document.addEventListener("turbo:submit-start", () => this.begin())
    document.addEventListener("turbo:submit-end", () => this.idle())
    document.addEventListener("turbo:visit", () => {
      this.begin()
      this.epoch++
    })
    document.addEventListener("turbo:frame-load", () => this.etags.clear())
    document.addEventListener("turbo:load", () => {
      this.busy = 0
      this.etags.clear() // what stands now came by another way than we know
      this.arrived()
      this.run()
    })
    document.addEventListener("turbo:fetch-request-error", () => this.idle())
    document.addEventListener("visibilitychange", () => this.seen())
    window.addEventListener("pageshow", (event) => event.persisted && this.refresh())
    window.addEventListener("online", () => this.refresh())
    this.listen()
  }

  /** Reads everything again: after a reconnect, after Back, when asked. */
  refresh(): void {
    this.take("all")
  }

  private listen(): void {
    if (!document.body.dataset.live) return // a page without a session
    if ("BroadcastChannel" in window && navigator.locks) {
      this.channel = new BroadcastChannel("postroom" + base)
      this.channel.onmessage = (event: MessageEvent<string>) => this.take(event.data)
      // Held until the tab goes; the next tab in line then opens the stream.
      const hold = () => {
        this.open()
        return new Promise<void>(() => {})
      }
      void navigator.locks.request(STREAM, { ifAvailable: true }, (lock) => {
        if (lock) return hold()
        void navigator.locks.request(STREAM, hold)
        this.refresh() // another tab heard what happened while this page was on its way
      })
    } else if (!document.hidden) {
      this.open()
    }
  }

  private open(): void {
    this.source?.close()
    const source = (this.source = new EventSource(base + "/events"))
    source.onopen = () => this.publish("all") // whatever happened before the stream stood
    source.onmessage = (event: MessageEvent<string>) => this.publish(event.data)
    source.onerror = () => {
      // The browser tries again by itself unless the answer was final, as it
      // is after signing out and while the server starts.
      if (source.readyState !== EventSource.CLOSED || this.source !== source) return
      this.source = null
      window.setTimeout(() => this.source || this.open(), this.backoff())
    }
  }

  private publish(key: string): void {
    this.channel?.postMessage(key)
    this.take(key)
  }

  private seen(): void {
    if (!this.channel) {
      if (document.hidden) {
        this.source?.close()
        this.source = null
      } else if (!this.source && document.body.dataset.live) {
        this.open()
      }
    }
    this.run()
  }

  private begin(): void {
    if (this.busy++ === 0) this.began = performance.now()
  }

  /** A visit's page stands: it is as new as its request, and no newer. */
  private arrived(): void {
    if (this.began === 0) return // the first page: nothing was heard before it
    this.stale.delete("page")
    const since = this.began - AHEAD
    this.heard.forEach((at, message) => at >= since && this.mark(message))
    this.began = 0
  }

  private take(message: string): void {
    const now = performance.now()
    this.heard.delete(message)
    this.heard.set(message, now)
    const since = (this.busy > 0 ? this.began : now) - AHEAD
    for (const [old, at] of this.heard) {
      if (at >= since) break
      this.heard.delete(old)
    }
    this.mark(message)
    this.run()
  }

  /** Notes what a key makes stale. */
  private mark(message: string): void {
    const [key, origin] = message.split(" @")
    // Its own echo: the answer to the form has brought page and counts already,
    // but not the list beside it, which is kept from page to page.
    const own = origin === tab
    if (own && !key.startsWith("folder ")) return
    if (key === "all") {
      this.stale.add("counts").add("list").add("page")
    } else if (key === "counts" || key === "alarms" || key === "notifications") {
      this.stale.add("counts")
    }
    const [kind, mailbox, folder] = key.split(" ")
    if (kind === "folder") {
      const list = document.getElementById("list")
      if (list && list.dataset.folder === folder && (list.dataset.mailbox === "0" || list.dataset.mailbox === mailbox)) this.stale.add("list")
    }
    if (!own && (document.body.dataset.live ?? "").split(",").includes(key)) this.stale.add("page")
  }

  private idle(): void {
    this.busy = Math.max(0, this.busy - 1)
    this.run()
  }

  private backoff(): number {
    return Math.min(LONGEST_BACKOFF, GAP * 2 ** this.failures) * (1 + Math.random() / 3)
  }

  private run(): void {
    if (this.reading || this.busy > 0 || this.timer || document.hidden || this.stale.size === 0) return
    const wait = this.readyAt - performance.now()
    if (wait > 0) {
      this.timer = window.setTimeout(() => {
        this.timer = 0
        this.run()
      }, wait)
      return
    }
    void this.read()
  }

  private async read(): Promise<void> {
    const parts = [...this.stale]
    const epoch = this.epoch
    this.stale.clear()
    this.reading = true
    try {
      for (const part of parts) {
        if (!(await this.readPart(part, epoch))) this.stale.add(part)
      }
      this.failures = 0
    } catch {
      parts.forEach((part) => this.stale.add(part))
      this.failures++
    } finally {
      this.reading = false
      this.readyAt = performance.now() + (this.failures > 0 ? this.backoff() : GAP * (1 + Math.random() / 3))
      this.run()
    }
  }

  /** Reads one part. False: it came too late to be drawn and is wanted still. */
  private async readPart(part: Part, epoch: number): Promise<boolean> {
    const url = this.urlOf(part)
    if (!url) return true
    const headers: Record<string, string> = { "X-Postroom-Live": "1" }
    if (part === "list") headers["Turbo-Frame"] = "list"
    const known = this.etags.get(part + url)
    if (known) headers["If-None-Match"] = known
    const answer = await fetch(url, { headers, redirect: "manual", credentials: "same-origin", cache: "no-store" })
    if (answer.status === 304) return true
    if (answer.type === "opaqueredirect" || answer.status === 401) {
      // Signed out elsewhere. The page and what is typed in it stay; signing
      // in again in another tab lets the next send succeed.
      document.body.setAttribute("data-js-signed-out", "")
      throw new Error("signed out")
    }
    if (!answer.ok) throw new Error(String(answer.status))
    const page = new DOMParser().parseFromString(await answer.text(), "text/html")
    if (epoch !== this.epoch || this.busy > 0) {
      // A visit brings its own page, but keeps list and counts as they stand.
      return part === "page" && epoch !== this.epoch
    }
    document.body.removeAttribute("data-js-signed-out")
    this.draw(part, page)
    const etag = answer.headers.get("ETag")
    if (etag) this.etags = new Map([...this.etags.entries()].slice(-8)).set(part + url, etag)
    return true
  }

  private urlOf(part: Part): string | null {
    if (part === "counts") return document.getElementById("folders") ? base + "/fragments/counts" : null
    if (part === "list") {
      const list = document.getElementById("list")
      return list?.getAttribute("src") ?? list?.dataset.url ?? null
    }
    return location.pathname + location.search
  }

  private draw(part: Part, page: Document): void {
    if (part === "page") {
      const next = page.body
      announce(next)
      morphPage(document.body, next, "live")
      if (page.title) document.title = page.title
      return
    }
    const ids = part === "list" ? ["list"] : ["folders", "bell", "alarms-badge", "tabbar"]
    for (const id of ids) {
      const current = document.getElementById(id)
      const next = page.getElementById(id)
      if (!current || !next) continue
      if (part === "counts") keepMark(current, next)
      morphPage(current, next, "live")
    }
  }
}

/** The counts come without the page's place: which folder is current stays as the page said. */
function keepMark(current: Element, next: Element): void {
  const marked = [...current.querySelectorAll("a[aria-current]")].map((a) => a.getAttribute("href"))
  next.querySelectorAll("a[href]").forEach((a) => {
    if (marked.includes(a.getAttribute("href"))) a.setAttribute("aria-current", "page")
    else a.removeAttribute("aria-current")
  })
}

/** Tells people who do not see the page that a message arrived. */
function announce(next: HTMLElement): void {
  const region = document.getElementById("announcer")
  if (!region) return
  const arrived = [...next.querySelectorAll<HTMLElement>("[data-arrival]")].filter((m) => !document.getElementById(m.id))
  if (arrived.length > 0 && document.querySelector("[data-arrival]")) {
    region.textContent = arrived.map((m) => m.dataset.arrival).join(". ")
  }
}
