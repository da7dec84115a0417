import { Controller } from "@hotwired/stimulus"

/** Keeps "5 min" true while the page stands; the server drew the first one. */
export default class extends Controller<HTMLElement> {
  private timer = 0

  override connect(): void {
    this.timer = window.setInterval(() => this.tick(), 30_000)
  }

  override disconnect(): void {
    window.clearInterval(this.timer)
  }

  private tick(): void {
    if (document.hidden) return
    this.element.querySelectorAll<HTMLTimeElement>("time[data-ago]").forEach((time) => {
      const words = ago(Date.now() - Date.parse(time.dateTime))
      if (words && time.textContent !== words) time.textContent = words
    })
  }
}

/** The words of locale.Ago for what is younger than a day; older ones stand. */
function ago(ms: number): string | null {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return "now"
  if (minutes < 60) return `${minutes} min`
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`
  return null
}
