import { Controller } from "@hotwired/stimulus"

/**
 * The scrolling part of a conversation: begins at its newest message, and
 * follows new ones as long as the agent has not scrolled away.
 */
export default class extends Controller<HTMLElement> {
  private following = true
  private observer: ResizeObserver | null = null

  override connect(): void {
    this.element.addEventListener("scroll", this.scrolled, { passive: true })
    if (location.hash.length > 1) {
      this.following = false
      document.getElementById(location.hash.slice(1))?.scrollIntoView()
      return
    }
    // Frames find their height after loading; stay at the end meanwhile.
    this.observer = new ResizeObserver(() => requestAnimationFrame(() => this.following && this.toEnd()))
    if (this.element.firstElementChild) this.observer.observe(this.element.firstElementChild)
    this.observer.observe(this.element)
    this.toEnd()
  }

  override disconnect(): void {
    this.observer?.disconnect()
    this.element.removeEventListener("scroll", this.scrolled)
  }

  private toEnd(): void {
    const all = this.element.querySelectorAll<HTMLElement>("[data-message]")
    const last = all[all.length - 1]
    // A last message longer than the pane is read from its beginning.
    if (last && last.offsetHeight > this.element.clientHeight) last.scrollIntoView({ block: "start" })
    else this.element.scrollTop = this.element.scrollHeight
  }

  private readonly scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = this.element
    this.following = scrollHeight - scrollTop - clientHeight < 48
  }
}
