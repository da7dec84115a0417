// The keyboard. An element says which key it answers to with data-key; a
// field is focused, a menu opened, anything else clicked. While conversations
// are selected in a list, data-bulk-key goes first. Single keys can be
// switched off in the help dialog (WCAG 2.1.4); those with Ctrl stay.

const OFF = "postroom.keys.off"

export function startKeys(): void {
  document.addEventListener("keydown", onKey)
  document.addEventListener("change", (event) => {
    const box = event.target as HTMLInputElement
    if (box.dataset?.keysSwitch !== undefined) store(OFF, box.checked ? null : "1")
  })
  const reflect = () => {
    const box = document.querySelector<HTMLInputElement>("[data-keys-switch]")
    if (box) box.checked = box.defaultChecked = !off()
  }
  document.addEventListener("turbo:load", reflect)
  document.addEventListener("postroom:morphed", reflect)
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return
  const mod = event.ctrlKey || event.metaKey
  if (mod && !event.altKey && event.key.toLowerCase() === "k" && !inEditor(event.target)) {
    return act(event, find("palette"))
  }
  if (mod || event.altKey || off() || writing(event.target)) return
  if (document.querySelector("dialog[open]")) return
  const key = event.key === " " ? "Space" : event.key
  const selected = document.querySelector("#list .row > input:checked")
  const target = (selected && document.querySelector<HTMLElement>(`[data-bulk-key="${CSS.escape(key)}"]`)) || find(key)
  if (target) act(event, target)
}

function find(key: string): HTMLElement | null {
  const all = document.querySelectorAll<HTMLElement>(`[data-key~="${CSS.escape(key)}"]`)
  return [...all].find((e) => e.checkVisibility()) ?? all[0] ?? null
}

function act(event: Event, target: HTMLElement | null): void {
  if (!target || (target as HTMLButtonElement).disabled) return
  event.preventDefault()
  if (target instanceof HTMLDetailsElement) {
    target.open = true
    target.querySelector<HTMLElement>("input, [role=menuitem], [role=menuitemradio], button")?.focus()
    return
  }
  if (target.matches("input:not([type=checkbox], [type=submit]), textarea, select")) {
    target.focus()
    return
  }
  const path = (target as HTMLButtonElement).form?.elements.namedItem("path")
  if (path instanceof HTMLInputElement) path.value = "keyboard" // how it was done is part of the event
  target.click()
}

function writing(target: EventTarget | null): boolean {
  const e = target as HTMLElement | null
  return !!e?.closest?.("textarea, select, [contenteditable=true], input:not([type=checkbox], [type=radio], [type=submit], [type=button])")
}

/** In the editor Ctrl-K makes a link. */
function inEditor(target: EventTarget | null): boolean {
  return !!(target as HTMLElement | null)?.closest?.("[contenteditable=true]")
}

function off(): boolean {
  try {
    return localStorage.getItem(OFF) === "1"
  } catch {
    return false
  }
}

function store(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key)
    else localStorage.setItem(key, value)
  } catch {
    // Private windows may have no storage; the setting then lasts no longer than the page.
  }
}
