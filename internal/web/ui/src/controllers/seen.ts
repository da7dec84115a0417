import { Controller } from "@hotwired/stimulus"
import { tab } from "../live"

/**
 * Says that the conversation on the page is being read: what the agent was
 * told of it is read then. Only once the page is in sight, and again when more
 * has come in the meantime.
 */
export default class extends Controller<HTMLFormElement> {
  static override values = { seq: Number }
  declare seqValue: number
  private said = 0

  seqValueChanged(): void {
    this.look()
  }

  look(): void {
    if (document.hidden || this.seqValue <= this.said) return
    this.said = this.seqValue
    const body = new URLSearchParams({ seq: String(this.seqValue) })
    fetch(this.element.action, { method: "POST", body, credentials: "same-origin", headers: { "X-Postroom-Live": "1", "X-Postroom-Tab": tab }, redirect: "manual" })
      // It stays unread then, which is seen and can be mended by hand.
      .catch(() => (this.said = 0))
  }
}
