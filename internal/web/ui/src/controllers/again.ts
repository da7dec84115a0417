import { Controller } from "@hotwired/stimulus"

/** While it stands on the page, the page is read again every other second: for what no message tells of. */
export default class extends Controller<HTMLElement> {
  private timer = 0

  override connect(): void {
    this.timer = window.setInterval(() => document.dispatchEvent(new Event("postroom:refresh")), 2000)
  }

  override disconnect(): void {
    window.clearInterval(this.timer)
  }
}
