import { Controller } from "@hotwired/stimulus"

/**
 * A list whose order is changed by dragging its handles, or with Alt and an
 * arrow on a row. The forms of the rows do it: without a script their buttons
 * serve.
 */
export default class extends Controller<HTMLElement> {
  private dragged: HTMLElement | null = null

  drag(event: DragEvent): void {
    const row = (event.target as HTMLElement).closest<HTMLElement>(".drag")?.closest<HTMLElement>("[data-order]")
    if (!row || !event.dataTransfer) return
    this.dragged = row
    event.dataTransfer.effectAllowed = "move"
    event.dataTransfer.setData("text/plain", row.dataset.order ?? "")
    event.dataTransfer.setDragImage(row, 8, 8)
    row.setAttribute("data-js-dragged", "")
  }

  over(event: DragEvent): void {
    const target = this.target(event)
    this.mark(null)
    if (!target) return
    event.preventDefault()
    this.mark(target.row, target.after)
  }

  drop(event: DragEvent): void {
    const target = this.target(event)
    const form = this.dragged?.querySelector<HTMLFormElement>(".workflow-move form")
    this.end()
    if (!target || !form) return
    event.preventDefault()
    const before = target.after ? (target.row.nextElementSibling as HTMLElement | null)?.dataset.order : target.row.dataset.order
    const button = document.createElement("button")
    button.name = "before"
    button.value = before ?? "0"
    button.hidden = true
    form.append(button)
    form.requestSubmit(button)
    button.remove()
  }

  end(): void {
    this.dragged?.removeAttribute("data-js-dragged")
    this.dragged = null
    this.mark(null)
  }

  key(event: KeyboardEvent): void {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return
    const row = (event.target as HTMLElement).closest<HTMLElement>("[data-order]")
    const button = row?.querySelector<HTMLButtonElement>(`button[value="${event.key === "ArrowUp" ? "up" : "down"}"]`)
    if (!button || button.disabled) return
    event.preventDefault()
    button.click()
  }

  private target(event: DragEvent): { row: HTMLElement; after: boolean } | null {
    const row = (event.target as HTMLElement).closest<HTMLElement>("[data-order]")
    if (!this.dragged || !row || row === this.dragged) return null
    const box = row.getBoundingClientRect()
    return { row, after: event.clientY > box.top + box.height / 2 }
  }

  private mark(row: HTMLElement | null, after = false): void {
    this.element.querySelectorAll("[data-js-over]").forEach((r) => r.removeAttribute("data-js-over"))
    row?.setAttribute("data-js-over", after ? "after" : "before")
  }
}
