import { Controller } from "@hotwired/stimulus"
import { tab } from "../live"

const QUIET = 1000 // autosave after so much quiet

/**
 * The form on which a workflow is written. What is typed is saved after each
 * second of quiet, a choice at once; then the page is read again by the live
 * client, which leaves alone what somebody has in hand. Buttons that add, move
 * or remove send the form as they do without a script, and wait for a save
 * under way, so that the server takes them in this order.
 */
export default class extends Controller<HTMLFormElement> {
  static override targets = ["saved"]
  static override values = { at: String }
  declare readonly savedTarget: HTMLElement
  declare readonly atValue: string

  private timer = 0
  private saving: Promise<void> | null = null
  private dirty = false
  private dragged: string | null = null

  override connect(): void {
    this.element.addEventListener("submit", this.submitting, true)
    this.element.addEventListener("click", this.insert)
    document.addEventListener("turbo:before-visit", this.leaving)
    document.addEventListener("postroom:morphed", this.drawn)
    window.addEventListener("pagehide", this.leaving)
    this.show(this.atValue)
  }

  override disconnect(): void {
    this.leaving()
    this.element.removeEventListener("submit", this.submitting, true)
    this.element.removeEventListener("click", this.insert)
    document.removeEventListener("turbo:before-visit", this.leaving)
    document.removeEventListener("postroom:morphed", this.drawn)
    window.removeEventListener("pagehide", this.leaving)
  }

  // Saving

  typed(event: Event): void {
    const field = event.target as HTMLInputElement
    if (!field.name || field.name === "on") return
    this.edited(field.type === "checkbox" || field instanceof HTMLSelectElement ? 0 : QUIET)
  }

  changed(event: Event): void {
    const field = event.target as HTMLInputElement
    if (field.name === "on") this.press("try")
    else if (field.type === "date") this.edited(0)
  }

  private edited(wait: number): void {
    this.dirty = true
    this.savedTarget.textContent = "Not saved yet"
    window.clearTimeout(this.timer)
    this.timer = window.setTimeout(() => void this.save(), wait)
  }

  private async save(): Promise<void> {
    window.clearTimeout(this.timer)
    if (this.saving) await this.saving
    if (!this.dirty || !this.element.isConnected) return
    this.dirty = false
    this.saving = this.send(false).finally(() => (this.saving = null))
    await this.saving
  }

  private async send(last: boolean): Promise<void> {
    const body = new URLSearchParams()
    new FormData(this.element).forEach((value, name) => typeof value === "string" && body.append(name, value))
    body.set("do", "autosave")
    try {
      const answer = await fetch(this.element.action, {
        method: "POST",
        body,
        keepalive: last,
        redirect: "manual",
        credentials: "same-origin",
        headers: { "X-Postroom-Tab": tab },
      })
      if (last) return
      if (answer.status === 422) {
        this.press("save") // draws the page with what was refused
      } else if (answer.ok) {
        if (!this.dirty) this.savedTarget.textContent = "Draft saved"
        document.dispatchEvent(new CustomEvent("postroom:refresh"))
      } else {
        throw new Error(String(answer.status))
      }
    } catch {
      this.dirty = true
      this.savedTarget.textContent = "Could not be saved; it is tried again."
      this.timer = window.setTimeout(() => void this.save(), 5 * QUIET)
    }
  }

  private readonly leaving = () => {
    window.clearTimeout(this.timer)
    if (!this.dirty) return
    this.dirty = false
    void this.send(true)
  }

  /** Lets a save under way arrive before what a button asks for. */
  private readonly submitting = (event: SubmitEvent) => {
    window.clearTimeout(this.timer)
    this.dirty = false // it goes with this form
    if (!this.saving) return
    event.preventDefault()
    event.stopImmediatePropagation()
    const button = event.submitter
    void this.saving.then(() => this.element.requestSubmit(button?.isConnected ? (button as HTMLButtonElement) : null))
  }

  private press(act: string): void {
    const button = this.element.querySelector<HTMLButtonElement>(`button[name="do"][value="${CSS.escape(act)}"]`)
    if (button) this.element.requestSubmit(button)
  }

  // After a new page

  private readonly drawn = (event: Event) => {
    if ((event as CustomEvent<{ reason: string }>).detail.reason !== "visit") return
    const place = this.element.getAttribute("data-workflow-editor-at-value") ?? ""
    if (place) this.show(place)
    else if (document.activeElement === document.body) this.element.querySelector<HTMLElement>("#add-if")?.focus({ preventScroll: true })
  }

  /** Puts the focus on what was added or moved. */
  private show(place: string): void {
    const row = place && document.getElementById(place)
    if (!row) return
    const pane = row.closest(".page")?.getBoundingClientRect()
    const box = row.getBoundingClientRect()
    if (pane && (box.top < pane.top + 80 || box.bottom > pane.bottom)) {
      // Only the pane: what lies around it could be scrolled, but never back.
      row.closest(".page")?.scrollBy({ top: box.top - pane.top - pane.height / 3 })
    }
    const field = row.querySelector<HTMLElement>("select, textarea, input:not([type=hidden])")
    ;(field ?? row.querySelector<HTMLElement>("button"))?.focus({ preventScroll: true })
  }

  // Keys: Alt with an arrow moves the row one is in.

  key(event: KeyboardEvent): void {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return
    const row = (event.target as HTMLElement).closest<HTMLElement>("[data-place]")
    if (!row) return
    event.preventDefault()
    const act = `${event.key === "ArrowUp" ? "up" : "down"} ${row.dataset.place}`
    const button = row.querySelector<HTMLButtonElement>(`button[value="${CSS.escape(act)}"]`)
    if (button && !button.disabled) button.click()
  }

  // Variables

  private readonly insert = (event: Event) => {
    const button = (event.target as HTMLElement).closest<HTMLElement>("[data-insert]")
    if (!button) return
    const field = document.getElementById(button.dataset.into ?? "") as HTMLTextAreaElement | null
    if (!field) return
    const text = button.dataset.insert ?? ""
    field.focus()
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end")
    this.edited(QUIET)
  }

  // Dragging: a row by its handle, to before another row or to the end of a list

  drag(event: DragEvent): void {
    const handle = (event.target as HTMLElement).closest<HTMLElement>("[data-drag]")
    const row = handle?.closest<HTMLElement>("[data-place]")
    if (!handle || !row || !event.dataTransfer) return
    this.dragged = handle.dataset.drag ?? null
    event.dataTransfer.effectAllowed = "move"
    event.dataTransfer.setData("text/plain", this.dragged ?? "")
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
    const from = this.dragged
    this.dropped()
    if (!target || !from) return
    event.preventDefault()
    const act = `put ${from} ${target.after ? next(target.place) : target.place}`
    // The button is there only while it is pressed: a save under way comes first.
    void (this.saving ?? Promise.resolve()).then(() => {
      const button = document.createElement("button")
      button.name = "do"
      button.hidden = true
      button.value = act
      this.element.append(button)
      this.element.requestSubmit(button)
      button.remove()
    })
  }

  dropped(): void {
    this.dragged = null
    this.mark(null)
    this.element.querySelectorAll("[data-js-dragged]").forEach((row) => row.removeAttribute("data-js-dragged"))
  }

  private target(event: DragEvent): { row: HTMLElement; place: string; after: boolean } | null {
    if (!this.dragged) return null
    const row = (event.target as HTMLElement).closest<HTMLElement>("[data-place]")
    const place = row?.dataset.place
    if (!row || !place || place.startsWith("if") !== this.dragged.startsWith("if") || place === this.dragged || place.startsWith(`${this.dragged}[`)) return null
    const box = row.getBoundingClientRect()
    return { row, place, after: event.clientY > box.top + box.height / 2 }
  }

  private mark(row: HTMLElement | null, after = false): void {
    this.element.querySelectorAll("[data-js-over]").forEach((r) => r.removeAttribute("data-js-over"))
    row?.setAttribute("data-js-over", after ? "after" : "before")
  }
}

/** The place behind another one: "if[0][1]" for "if[0][0]". */
function next(place: string): string {
  return place.replace(/\[(\d+)\]$/, (_, n: string) => `[${Number(n) + 1}]`)
}
