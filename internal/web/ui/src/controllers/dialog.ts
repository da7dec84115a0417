import { Controller } from "@hotwired/stimulus"

/** Opens a dialog by a button (data-dialog-id-param), closes it by a click beside it. */
export default class extends Controller<HTMLElement> {
  open({ params }: { params: { id: string } }): void {
    const dialog = document.getElementById(params.id)
    if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal()
  }

  close(event: Event): void {
    ;(event.target as HTMLElement).closest("dialog")?.close()
  }

  beside(event: MouseEvent): void {
    if (event.target instanceof HTMLDialogElement) event.target.close()
  }
}
