import { Controller } from "@hotwired/stimulus"

/** A link to the palette's page that opens the palette itself where it can. */
export default class extends Controller<HTMLAnchorElement> {
  open(event: MouseEvent): void {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    document.dispatchEvent(new Event("postroom:palette"))
  }
}
