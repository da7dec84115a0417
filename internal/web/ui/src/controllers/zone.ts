import { Controller } from "@hotwired/stimulus"

/** A choice of a time zone that begins with the browser's, until somebody chooses. */
export default class extends Controller<HTMLElement> {
  static override values = { chosen: String }
  declare readonly chosenValue: string

  override connect(): void {
    const select = this.element.querySelector("select")
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone
    if (!select || this.chosenValue || !Array.from(select.options).some((o) => o.value === own)) return
    select.value = own
  }
}
