import { base } from "../base"
import { Controller } from "@hotwired/stimulus"

/**
 * The command palette: what the open page can do (gathered from its elements
 * with data-command) above what the server finds. Works on a frame that holds
 * links; Enter follows the marked one.
 */
export default class extends Controller<HTMLDialogElement> {
  static override targets = ["input", "frame", "commands"]
  declare readonly inputTarget: HTMLInputElement
  declare readonly frameTarget: HTMLElement
  declare readonly commandsTarget: HTMLElement
  private timer = 0
  private marked = 0

  override connect(): void {
    this.element.addEventListener("close", this.closed)
    document.addEventListener("turbo:visit", this.leave)
    document.addEventListener("postroom:palette", this.show)
    this.frameTarget.addEventListener("turbo:frame-load", this.mark)
  }

  override disconnect(): void {
    this.element.removeEventListener("close", this.closed)
    document.removeEventListener("turbo:visit", this.leave)
    document.removeEventListener("postroom:palette", this.show)
    this.frameTarget.removeEventListener("turbo:frame-load", this.mark)
  }

  private readonly show = () => {
    if (this.element.open) return
    this.element.showModal()
    this.inputTarget.value = ""
    this.inputTarget.focus()
    this.search()
  }

  type(): void {
    window.clearTimeout(this.timer)
    this.commands()
    this.timer = window.setTimeout(() => this.search(), 120)
  }

  key(event: KeyboardEvent): void {
    const items = this.items()
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault()
      this.marked = (this.marked + (event.key === "ArrowDown" ? 1 : items.length - 1)) % Math.max(1, items.length)
      this.mark()
    } else if (event.key === "Escape") {
      event.preventDefault() // a search field would only empty itself
      this.element.close()
    } else if (event.key === "Enter") {
      event.preventDefault()
      items[this.marked]?.click()
    }
  }

  private search(): void {
    this.commands()
    this.marked = 0
    const url = `${base}/palette?q=${encodeURIComponent(this.inputTarget.value)}`
    if (this.frameTarget.getAttribute("src") === url) this.mark()
    else this.frameTarget.setAttribute("src", url)
  }

  /** Lists the page's own commands that hold what is typed. */
  private commands(): void {
    const wanted = this.inputTarget.value.trim().toLowerCase()
    const words = (e: HTMLElement) => (e.dataset.command ?? "").toLowerCase()
    const rank = (e: HTMLElement) => (words(e).startsWith(wanted) ? 0 : words(e).includes(` ${wanted}`) ? 1 : 2)
    const found = [...document.querySelectorAll<HTMLElement>("[data-command]")]
      .filter((e) => words(e).includes(wanted) && (e.dataset.bulkKey === undefined || e.checkVisibility()))
      .sort((a, b) => rank(a) - rank(b))
    const list = found.slice(0, wanted === "" ? 6 : 8).map((origin) => {
      const button = document.createElement("button")
      button.type = "button"
      button.className = "palette-item"
      const text = document.createElement("span")
      text.textContent = origin.dataset.command ?? ""
      button.append(text)
      if (origin.dataset.key) {
        const key = document.createElement("kbd")
        key.textContent = origin.dataset.key.split(" ")[0] ?? ""
        button.append(key)
      }
      button.addEventListener("click", () => {
        this.element.close()
        if (origin instanceof HTMLDetailsElement) {
          origin.open = true
          origin.querySelector<HTMLElement>("[data-menu-focus], button")?.focus()
        } else origin.click()
      })
      return button
    })
    this.commandsTarget.replaceChildren(...list)
    this.commandsTarget.parentElement?.toggleAttribute("hidden", list.length === 0)
    this.mark()
  }

  private items(): HTMLElement[] {
    return [...this.element.querySelectorAll<HTMLElement>(".palette-item")]
  }

  private readonly mark = () => {
    const items = this.items()
    this.marked = Math.min(this.marked, Math.max(0, items.length - 1))
    items.forEach((item, i) => item.toggleAttribute("data-js-marked", i === this.marked))
    items[this.marked]?.scrollIntoView({ block: "nearest" })
  }

  private readonly leave = () => this.element.open && this.element.close()

  private readonly closed = () => window.clearTimeout(this.timer)
}
