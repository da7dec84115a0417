// A page scrolls within its pane, of which the browser's own memory of places
// knows nothing, and a visit morphs the pane it finds. Without this the next
// page would begin where the last one was left, and Back would not lead back.

/** The pane's place on each page that was left, in pixels. */
const places = new Map<string, number>()
const pane = () => document.querySelector<HTMLElement>("main.page")
const address = (url: URL | Location) => url.pathname + url.search

let shown = address(location)
let asked = shown
let restoring = false

document.addEventListener("turbo:visit", (event) => {
  const { url, action } = (event as CustomEvent<{ url: string; action: string }>).detail
  asked = address(new URL(url, location.href))
  restoring = action === "restore"
})

/** Draws another page with its pane where the reader expects it: at its top, or where they left it if they go back. */
export function drawFromItsPlace(draw: () => void): void {
  const old = pane()
  if (old) places.set(shown, old.scrollTop)
  draw()
  if (asked !== shown) {
    const next = pane()
    if (next) next.scrollTop = restoring ? (places.get(asked) ?? 0) : 0
  }
  shown = asked
}
