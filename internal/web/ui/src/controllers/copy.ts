import { Controller } from "@hotwired/stimulus"

/** A text with a button that copies it. Where the browser forbids that, the text is selected. */
export default class extends Controller<HTMLElement> {
  static override targets = ["text", "button"]
  declare readonly textTarget: HTMLInputElement
  declare readonly buttonTarget: HTMLButtonElement

  all(): void {
    this.textTarget.select()
  }

  async copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.textTarget.value)
    } catch {
      this.textTarget.focus()
      this.textTarget.select()
      return
    }
    this.buttonTarget.textContent = "Copied"
    window.setTimeout(() => (this.buttonTarget.textContent = "Copy"), 1500)
  }
}
