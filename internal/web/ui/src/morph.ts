// How one page becomes the next without losing what the agent has in hand.
//
// Turbo's morph matches elements by id and changes only what differs. This
// file adds what it cannot know: which elements are never touched while the
// new page still has them, and which bits of state belong to the browser and
// not to the server.
import { morphElements } from "@hotwired/turbo"

// Element.moveBefore keeps an iframe's and a player's state while it is moved,
// but Chromium 156 loses its renderer over it when a page with an editor is
// morphed. Without it the morph falls back to insertBefore.
for (const prototype of [Element.prototype, DocumentFragment.prototype, Document.prototype]) {
  delete (prototype as { moveBefore?: unknown }).moveBefore
}

/** Why a page is drawn anew. */
export type Reason =
  | "visit" // another page was asked for
  | "live" // the same page, because something changed on the server
  | "refused" // a form came back with 422

export function morphPage(current: Element, next: Element, reason: Reason): void {
  const here = reason !== "visit"
  const onAttribute = (event: Event) => {
    const { attributeName, mutationType } = (event as CustomEvent<{ attributeName: string; mutationType: string }>).detail
    if (ownedByBrowser(event.target as Element, attributeName, mutationType, here)) event.preventDefault()
  }
  document.addEventListener("turbo:before-morph-attribute", onAttribute)
  try {
    morphElements(current, next, {
      callbacks: { beforeNodeMorphed: (node, other) => mayMorph(node, other as Element | undefined, reason) },
    })
  } finally {
    document.removeEventListener("turbo:before-morph-attribute", onAttribute)
  }
  document.dispatchEvent(new CustomEvent("postroom:morphed", { detail: { reason } }))
}

function mayMorph(node: Element, next: Element | undefined, reason: Reason): boolean {
  // What a script has put here is not the server's to remove; and what was said
  // about the last act is said once, so that it stays until the next visit.
  if (!next) return !(node.hasAttribute("data-browser") || (reason === "live" && node.id === "flash"))
  if (node.hasAttribute("data-keep") && node.id === next.id) {
    // A composer, or a dialog that scripts fill. A refused form brings words about what was typed, and only
    // those are taken over; what was typed is already here.
    if (reason === "refused") refreshParts(node, next)
    return false
  }
  const place = node.getAttribute("data-place")
  if (place !== null && next.hasAttribute("src") && place === next.getAttribute("data-place") && node.childElementCount > 0) {
    return false // the list beside the conversation is already the right one
  }
  if (reason === "live" && (touched(node) || wasRefused(node))) return false
  return true
}

function refreshParts(node: Element, next: Element): void {
  for (const part of next.querySelectorAll("[data-fresh]")) {
    const old = node.querySelector(`[data-fresh="${CSS.escape(part.getAttribute("data-fresh") ?? "")}"]`)
    old?.replaceWith(document.importNode(part, true))
  }
}

/** A control that somebody has changed since the page was drawn. */
function touched(node: Element): boolean {
  if (node instanceof HTMLInputElement) {
    if (node.type === "hidden" || node.type === "submit") return false
    if (node.type === "checkbox" || node.type === "radio") return node.checked !== node.defaultChecked
    if (node.type === "file") return node.value !== ""
    return node === document.activeElement || node.value !== node.defaultValue
  }
  if (node instanceof HTMLTextAreaElement) return node === document.activeElement || node.value !== node.defaultValue
  if (node instanceof HTMLSelectElement) {
    return node === document.activeElement || [...node.options].some((o) => o.selected !== o.defaultSelected)
  }
  return node instanceof HTMLElement && node.isContentEditable
}

/**
 * A form that came back with words about what was typed: both stay until it is sent again. One that saves
 * itself while one types (data-saves-itself) is always what the server would draw.
 */
function wasRefused(node: Element): boolean {
  return node instanceof HTMLFormElement && !node.hasAttribute("data-saves-itself") && node.querySelector(":scope .field-error, :scope > .banner.tone-bad") !== null
}

function ownedByBrowser(node: Element, name: string, mutation: string, here: boolean): boolean {
  if (name === "style") return true // the server never sends one: our policy forbids it
  if (name.startsWith("data-js-")) return true
  if (name === "open" && (node instanceof HTMLDialogElement || node instanceof HTMLDetailsElement)) return here
  if (name === "checked" && here && node instanceof HTMLInputElement) return touched(node)
  return name === "complete" || (name === "busy" && mutation === "remove")
}
