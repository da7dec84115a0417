import { Controller } from "@hotwired/stimulus"

/**
 * Addresses as chips. The form field keeps the whole, separated by commas;
 * without JavaScript it is simply that field.
 */
export default class extends Controller<HTMLElement> {
  static override targets = ["value", "typing", "list"]
  declare readonly valueTarget: HTMLInputElement
  declare readonly typingTarget: HTMLInputElement
  declare readonly listTarget: HTMLElement

  override connect(): void {
    this.element.setAttribute("data-js-chips", "")
    this.valueTarget.type = "hidden"
    this.typingTarget.hidden = false
    this.draw()
  }

  focus(event: Event): void {
    if (event.target === this.element || event.target === this.listTarget) this.typingTarget.focus()
  }

  key(event: KeyboardEvent): void {
    const text = this.typingTarget.value.trim()
    if ((event.key === "Enter" || event.key === "," || event.key === ";" || (event.key === "Tab" && text !== "")) && !event.isComposing) {
      if (text === "" && event.key !== "Enter") return
      if (event.ctrlKey || event.metaKey) return
      event.preventDefault()
      this.add(text)
    } else if (event.key === "Backspace" && this.typingTarget.value === "") {
      this.set(this.all().slice(0, -1))
    }
  }

  commit(): void {
    this.add(this.typingTarget.value)
  }

  paste(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData("text") ?? ""
    if (!/[,;\n]/.test(text)) return
    event.preventDefault()
    this.add(text)
  }

  remove(event: Event): void {
    const at = Number((event.currentTarget as HTMLElement).dataset.at)
    this.set(this.all().filter((_, i) => i !== at))
    this.typingTarget.focus()
  }

  private add(text: string): void {
    const more = split(text)
    this.typingTarget.value = ""
    if (more.length > 0) this.set([...this.all(), ...more])
  }

  private all(): string[] {
    return split(this.valueTarget.value)
  }

  private set(all: string[]): void {
    this.valueTarget.value = [...new Set(all)].join(", ")
    this.valueTarget.dispatchEvent(new Event("input", { bubbles: true }))
    this.draw()
  }

  private draw(): void {
    const chips = this.all().map((address, i) => {
      const chip = document.createElement("span")
      chip.className = "chip"
      chip.title = address
      if (!/@[^@\s]+\.[^@\s]+>?$|@localhost>?$/.test(address)) chip.setAttribute("data-bad", "")
      chip.append(name(address))
      const button = document.createElement("button")
      button.type = "button"
      button.dataset.at = String(i)
      button.dataset.action = "chips#remove"
      button.setAttribute("aria-label", `Remove ${address}`)
      button.textContent = "×"
      chip.append(button)
      return chip
    })
    this.listTarget.querySelectorAll(".chip").forEach((c) => c.remove())
    this.listTarget.prepend(...chips)
  }
}

/** Splits at commas and semicolons outside quotes and angle brackets. */
function split(text: string): string[] {
  return (text.match(/(?:"[^"]*"|<[^>]*>|[^,;\n"<])+/g) ?? []).map((a) => a.trim()).filter(Boolean)
}

function name(address: string): string {
  const found = /^"?([^"<]*?)"?\s*<([^>]*)>$/.exec(address)
  return found?.[1] || found?.[2] || address
}
