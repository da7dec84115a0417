import { Controller } from "@hotwired/stimulus"

/** Shows a picture large, above the page; the link itself works without. */
export default class extends Controller<HTMLElement> {
  show(event: MouseEvent): void {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return
    const link = (event.target as HTMLElement).closest<HTMLAnchorElement>("a[data-picture]")
    const dialog = document.getElementById("lightbox")
    const picture = dialog?.querySelector("img")
    if (!link || !picture || !(dialog instanceof HTMLDialogElement)) return
    event.preventDefault()
    picture.src = link.href
    picture.alt = link.dataset.picture ?? ""
    dialog.querySelector("[data-caption]")!.textContent = link.dataset.picture ?? ""
    dialog.showModal()
  }
}
