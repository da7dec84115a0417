import { Controller } from "@hotwired/stimulus"

/** The conversation list: moving through it by keys, selecting with ranges. */
export default class extends Controller<HTMLElement> {
  static override targets = ["all", "count", "whole"]
  declare readonly hasAllTarget: boolean
  declare readonly allTarget: HTMLInputElement
  declare readonly hasCountTarget: boolean
  declare readonly countTarget: HTMLElement
  declare readonly hasWholeTarget: boolean
  declare readonly wholeTarget: HTMLInputElement
  private anchor = -1

  private readonly onKey = (event: KeyboardEvent) => this.key(event)
  private readonly onMorph = () => this.reflect()

  override connect(): void {
    document.addEventListener("keydown", this.onKey)
    document.addEventListener("postroom:morphed", this.onMorph)
    document.addEventListener("turbo:load", this.onMorph)
    this.reflect()
  }

  override disconnect(): void {
    document.removeEventListener("keydown", this.onKey)
    document.removeEventListener("postroom:morphed", this.onMorph)
    document.removeEventListener("turbo:load", this.onMorph)
  }

  private get rows(): HTMLElement[] {
    return [...this.element.querySelectorAll<HTMLElement>(".row")]
  }

  private get boxes(): HTMLInputElement[] {
    return [...this.element.querySelectorAll<HTMLInputElement>(".row > input")]
  }

  /** A click on a checkbox; with shift, the range from the last one. */
  toggle(event: MouseEvent): void {
    const box = event.target as HTMLInputElement
    const at = this.boxes.indexOf(box)
    if (at < 0) return
    if (event.shiftKey && this.anchor >= 0) this.range(this.anchor, at, box.checked)
    this.anchor = at
    this.reflect()
  }

  toggleAll(): void {
    this.boxes.forEach((box) => (box.checked = this.allTarget.checked))
    if (!this.allTarget.checked && this.hasWholeTarget) this.wholeTarget.checked = false
    this.reflect()
  }

  clear(): void {
    this.boxes.forEach((box) => (box.checked = false))
    if (this.hasWholeTarget) this.wholeTarget.checked = false
    this.reflect()
  }

  reflect(): void {
    const boxes = this.boxes
    const chosen = boxes.filter((box) => box.checked).length
    if (this.hasAllTarget) {
      this.allTarget.checked = chosen > 0 && chosen === boxes.length
      this.allTarget.indeterminate = chosen > 0 && chosen < boxes.length
    }
    if (this.hasCountTarget) {
      const whole = this.hasWholeTarget && this.wholeTarget.checked
      this.countTarget.textContent = `${whole ? (this.wholeTarget.dataset.total ?? "") : chosen} selected`
    }
    this.element.toggleAttribute("data-js-selecting", chosen > 0)
    this.element.toggleAttribute("data-js-full", chosen > 0 && chosen === boxes.length)
    const open = document.querySelector<HTMLElement>("[data-conversation]")?.dataset.conversation
    this.rows.forEach((row) => {
      const current = row.id === `row-${open}`
      row.toggleAttribute("data-js-current", current)
      const link = row.querySelector("a")
      if (current) link?.setAttribute("aria-current", "page")
      else link?.removeAttribute("aria-current")
    })
  }

  private key(event: KeyboardEvent): void {
    const target = event.target as HTMLElement
    const inside = this.element.contains(target)
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    if (document.querySelector("dialog[open], details.menu[open]")) return
    if (target.closest("textarea, select, [contenteditable=true], input:not([type=checkbox])")) return
    // Arrows scroll the conversation unless the list has the focus.
    const step = { j: 1, k: -1, ArrowDown: inside ? 1 : 0, ArrowUp: inside ? -1 : 0 }[event.key] ?? 0
    if (step !== 0 && !(this.switchedOff() && event.key.length === 1)) {
      event.preventDefault()
      this.move(step, event.shiftKey)
    } else if (event.key === "x" && !this.switchedOff()) {
      event.preventDefault()
      this.select()
    } else if (event.key === "Escape" && this.element.hasAttribute("data-js-selecting")) {
      this.clear()
    }
  }

  private switchedOff(): boolean {
    return document.querySelector<HTMLInputElement>("[data-keys-switch]")?.checked === false
  }

  private at(): number {
    const focused = this.rows.findIndex((row) => row.contains(document.activeElement))
    return focused >= 0 ? focused : this.rows.findIndex((row) => row.hasAttribute("data-js-current"))
  }

  private move(step: number, extend: boolean): void {
    const from = this.at()
    const to = Math.min(this.rows.length - 1, Math.max(0, from + step))
    const row = this.rows[to]
    if (!row) return
    if (extend && from >= 0) this.range(from, to, true)
    row.querySelector<HTMLElement>("a")?.focus()
    row.scrollIntoView({ block: "nearest" })
    this.reflect()
  }

  private select(): void {
    const at = this.at()
    const box = this.boxes[at]
    if (!box) return
    box.checked = !box.checked
    this.anchor = at
    this.reflect()
  }

  private range(from: number, to: number, checked: boolean): void {
    const [low, high] = from < to ? [from, to] : [to, from]
    this.boxes.slice(low, high + 1).forEach((box) => (box.checked = checked))
  }
}
