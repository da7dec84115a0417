import { Controller } from "@hotwired/stimulus"

/** A form that sends itself when a field changes; typing waits for quiet. */
export default class extends Controller<HTMLFormElement> {
  private timer = 0

  send(): void {
    window.clearTimeout(this.timer)
    this.element.requestSubmit()
  }

  later(): void {
    window.clearTimeout(this.timer)
    this.timer = window.setTimeout(() => this.element.requestSubmit(), 350)
  }

  override disconnect(): void {
    window.clearTimeout(this.timer)
  }
}
