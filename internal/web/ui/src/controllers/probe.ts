import { Controller } from "@hotwired/stimulus"

const QUIET = 700 // a test begins after so much quiet

/**
 * A form whose connection is tried while it is typed. One test runs at a time;
 * typing on ends it and begins another one. The answer is a piece of the page,
 * drawn by the server. Nothing is saved by it.
 */
export default class extends Controller<HTMLFormElement> {
  static override targets = ["result"]
  static override values = { url: String, prefix: String, ports: String }
  declare readonly resultTarget: HTMLElement
  declare readonly hasResultTarget: boolean
  declare readonly urlValue: string
  declare readonly prefixValue: string
  declare readonly portsValue: string

  private timer = 0
  private flight: AbortController | null = null

  override connect(): void {
    // What is filled in already (by the provider's table, or stored) is tried.
    if (this.prefixValue && this.input("host")?.value && !this.resultTarget.firstElementChild && !this.away()) this.timer = window.setTimeout(() => void this.run(), 50)
  }

  override disconnect(): void {
    window.clearTimeout(this.timer)
    this.flight?.abort()
  }

  later(event: Event): void {
    const field = event.target as HTMLInputElement
    if (field.closest("details.more") && !field.name.endsWith("_folders")) return // changes nothing about the connection
    window.clearTimeout(this.timer)
    this.flight?.abort()
    if (this.away()) return
    this.resultTarget.setAttribute("data-stale", "")
    this.timer = window.setTimeout(() => void this.run(), QUIET)
  }

  now(event: Event): void {
    event.preventDefault()
    window.clearTimeout(this.timer)
    void this.run()
  }

  /** Another kind of security mostly means another port. */
  security(event: Event): void {
    const port = this.input("port")
    const ports = new Map(this.portsValue.split(" ").map((p) => p.split(":") as [string, string]))
    if (!port || (port.value !== "" && ![...ports.values()].includes(port.value))) return
    port.value = ports.get((event.target as HTMLSelectElement).value) ?? port.value
  }

  /** Takes over what a result advises. */
  advise(event: Event): void {
    const { security, port } = (event.currentTarget as HTMLElement).dataset
    const choice = this.element.elements.namedItem(`${this.prefixValue}_security`) as HTMLSelectElement | null
    if (choice && security) choice.value = security
    const field = this.input("port")
    if (field && port) field.value = port
    this.now(event)
    field?.focus()
  }

  private input(name: string): HTMLInputElement | null {
    return this.element.elements.namedItem(`${this.prefixValue}_${name}`) as HTMLInputElement | null
  }

  /** Mail comes in by another way than the connection of this form. */
  private away(): boolean {
    return (this.element.elements.namedItem("way") as RadioNodeList | null)?.value === "server"
  }

  private async run(): Promise<void> {
    this.flight?.abort()
    const flight = (this.flight = new AbortController())
    this.resultTarget.setAttribute("data-testing", "")
    this.resultTarget.setAttribute("aria-busy", "true")
    try {
      const answer = await fetch(this.urlValue, { method: "POST", body: new FormData(this.element), credentials: "same-origin", redirect: "manual", headers: { "X-Postroom-Live": "1" }, signal: flight.signal })
      if (!answer.ok) throw new Error(String(answer.status))
      this.show(await answer.text())
    } catch {
      if (flight.signal.aborted) return
      this.show("") // the desk itself does not answer: the form can be saved all the same
    }
    this.resultTarget.removeAttribute("data-testing")
    this.resultTarget.removeAttribute("data-stale")
    this.resultTarget.removeAttribute("aria-busy")
  }

  private show(html: string): void {
    if (!this.hasResultTarget) return
    const page = new DOMParser().parseFromString(html, "text/html")
    this.resultTarget.replaceChildren(...Array.from(page.body.children, (n) => document.importNode(n, true)))
    // Only this script knows what was tried last: a page that is drawn anew leaves it.
    for (const child of this.resultTarget.children) child.setAttribute("data-browser", "")
    const probe = this.resultTarget.firstElementChild as HTMLElement | null
    const bad = probe?.classList.contains("is-bad") ? probe.dataset.field : ""
    for (const field of Array.from(this.element.elements) as HTMLInputElement[]) {
      if (!field.name?.startsWith(`${this.prefixValue}_`)) continue
      if (bad && field.name === bad) field.setAttribute("aria-invalid", "true")
      else field.removeAttribute("aria-invalid")
    }
  }
}
