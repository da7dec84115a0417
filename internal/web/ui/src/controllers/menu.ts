import { Controller } from "@hotwired/stimulus"

/** A details element used as a menu: closes by itself, arrows move in it. */
export default class extends Controller<HTMLDetailsElement> {
  private readonly outside = (event: Event) => {
    if (!this.element.contains(event.target as Node)) this.element.open = false
  }

  override connect(): void {
    document.addEventListener("pointerdown", this.outside)
    document.addEventListener("focusin", this.outside)
    this.element.addEventListener("keydown", this.key)
    this.element.addEventListener("toggle", this.toggled)
  }

  override disconnect(): void {
    document.removeEventListener("pointerdown", this.outside)
    document.removeEventListener("focusin", this.outside)
    this.element.removeEventListener("keydown", this.key)
    this.element.removeEventListener("toggle", this.toggled)
  }

  close(): void {
    this.element.open = false
  }

  /** Shows only the items that hold what is typed. */
  narrow(event: Event): void {
    const wanted = (event.target as HTMLInputElement).value.trim().toLowerCase()
    this.element.querySelectorAll<HTMLElement>("[data-item]").forEach((item) => {
      item.hidden = !(item.textContent ?? "").toLowerCase().includes(wanted)
    })
  }

  private readonly toggled = () => {
    if (this.element.open) this.element.querySelector<HTMLElement>("[data-menu-focus]")?.focus()
  }

  private readonly key = (event: KeyboardEvent) => {
    if (event.key === "Escape" && this.element.open) {
      event.stopPropagation()
      this.element.open = false
      this.element.querySelector("summary")?.focus()
      return
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return
    if (!this.element.open) {
      this.element.open = true
    }
    const items = [...this.element.querySelectorAll<HTMLElement>("[role^=menuitem], .menu-item")].filter((i) => i.checkVisibility())
    if (items.length === 0) return
    event.preventDefault()
    const at = items.indexOf(document.activeElement as HTMLElement)
    const to = event.key === "ArrowDown" ? at + 1 : at <= 0 ? items.length - 1 : at - 1
    items[to % items.length]?.focus()
  }
}
