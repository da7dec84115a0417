import { Controller } from "@hotwired/stimulus"

/**
 * Counts down to a moment of the server's clock. "now" is that clock when the
 * page was drawn, so that a wrong clock in the browser changes nothing. At the
 * end the page is read again.
 */
export default class extends Controller<HTMLElement> {
  static override targets = ["left", "bar"]
  static override values = { until: Number, now: Number }
  declare readonly untilValue: number
  declare readonly nowValue: number
  declare readonly leftTargets: HTMLElement[]
  declare readonly barTargets: HTMLElement[]
  private timer = 0
  private end = 0
  private whole = 1

  override connect(): void {
    this.begin()
  }

  override disconnect(): void {
    window.clearTimeout(this.timer)
  }

  nowValueChanged(): void {
    if (this.end > 0) this.begin()
  }

  private begin(): void {
    window.clearTimeout(this.timer)
    const left = this.untilValue - this.nowValue
    this.end = performance.now() + left
    this.whole = Math.max(1, left)
    this.tick()
  }

  private tick(): void {
    const left = this.end - performance.now()
    const seconds = Math.max(0, Math.ceil(left / 1000))
    this.leftTargets.forEach((e) => (e.textContent = seconds >= 90 ? `${Math.ceil(seconds / 60)} min` : `${seconds} s`))
    this.barTargets.forEach((e) => e.style.setProperty("inline-size", `${Math.max(0, (left / this.whole) * 100)}%`))
    if (left <= 0) {
      this.element.setAttribute("data-js-over", "")
      // What the end of a window sets off takes a moment on the server.
      window.setTimeout(() => document.dispatchEvent(new Event("postroom:refresh")), 250)
      return
    }
    this.timer = window.setTimeout(() => this.tick(), Math.min(left, 250))
  }
}
