import { Controller } from "@hotwired/stimulus"

/**
 * Makes the frame of a mail's HTML as high as its contents.
 *
 * The frame's document is sandboxed without scripts, by the attribute and by
 * its own policy, but keeps our origin; so nothing in it can run or reach us,
 * and we can look in and measure. A frame without our origin could only tell
 * its height by a script inside it, next to a stranger's HTML. Without
 * JavaScript the frame has a fixed height and scrolls.
 */
export default class extends Controller<HTMLIFrameElement> {
  private observer: ResizeObserver | null = null

  override connect(): void {
    this.element.addEventListener("load", this.loaded)
    if (this.element.contentDocument?.readyState === "complete") this.loaded()
  }

  override disconnect(): void {
    this.element.removeEventListener("load", this.loaded)
    this.observer?.disconnect()
  }

  private readonly loaded = () => {
    const page = this.element.contentDocument
    if (!page?.body) return
    this.observer?.disconnect()
    this.observer = new ResizeObserver(() => requestAnimationFrame(() => this.fit(page)))
    this.observer.observe(page.body)
    page.addEventListener("keydown", (event) => document.dispatchEvent(new KeyboardEvent("keydown", event)))
    this.fit(page)
  }

  private fit(page: Document): void {
    const height = Math.min(20_000, Math.ceil(page.documentElement.getBoundingClientRect().height))
    if (height > 0) this.element.style.setProperty("block-size", `${height}px`)
  }
}
