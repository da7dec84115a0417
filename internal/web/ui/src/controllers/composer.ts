import { base } from "../base"
import { Controller } from "@hotwired/stimulus"
import type { Editor } from "../editor"
import { tab } from "../live"
import { upload } from "../upload"

const QUIET = 1000 // autosave after so much quiet

/**
 * The reply and note form, and the one in which a text that was sent is changed
 * (messageValue). What is typed is saved as a draft after each
 * second of quiet; while the server cannot be reached a copy stays in this
 * browser, under the agent's id, and goes when the server has the words or the
 * agent signs out. The element is never morphed (data-keep): its id names the
 * conversation and the draft, so a sent reply is followed by an empty one.
 */
export default class extends Controller<HTMLElement> {
  static override targets = ["form", "body", "mount", "toolbar", "files", "file", "saved", "draft", "revision", "format", "send", "sendClose", "subject", "extra", "drop", "after", "away"]
  static override values = { number: Number, message: Number, agent: Number, savedAt: Number, kind: String, loaded: Boolean }
  declare readonly formTarget: HTMLFormElement
  declare readonly bodyTarget: HTMLTextAreaElement
  declare readonly mountTarget: HTMLElement
  declare readonly toolbarTarget: HTMLElement
  declare readonly filesTarget: HTMLElement
  declare readonly fileTarget: HTMLInputElement
  declare readonly savedTarget: HTMLElement
  declare readonly draftTarget: HTMLInputElement
  declare readonly revisionTarget: HTMLInputElement
  declare readonly formatTarget: HTMLInputElement
  declare readonly sendTarget: HTMLButtonElement
  declare readonly sendCloseTarget: HTMLButtonElement
  declare readonly hasSendCloseTarget: boolean
  declare readonly subjectTarget: HTMLElement
  declare readonly hasSubjectTarget: boolean
  declare readonly extraTargets: HTMLElement[]
  declare readonly afterTargets: HTMLSelectElement[]
  declare readonly awayTarget: HTMLAnchorElement
  declare readonly hasAwayTarget: boolean
  declare readonly numberValue: number
  declare readonly messageValue: number // whose text is changed; 0 in a composer
  declare readonly agentValue: number
  declare readonly savedAtValue: number
  declare kindValue: string

  private editor: Editor | null = null
  private loading: Promise<void> | null = null
  private timer = 0
  private saving: Promise<void> | null = null
  private changedSince = false
  private sending = false
  private uploads = new Set<Promise<void>>()

  override connect(): void {
    document.addEventListener("turbo:before-visit", this.flush)
    window.addEventListener("pagehide", this.flushHidden)
    document.addEventListener("visibilitychange", this.flushHidden)
    this.formTarget.addEventListener("submit", this.submitting, true)
    this.restoreCopy()
    if (this.isOpen()) void this.load().then(() => this.messageValue && this.focus())
  }

  override disconnect(): void {
    this.flush()
    document.removeEventListener("turbo:before-visit", this.flush)
    window.removeEventListener("pagehide", this.flushHidden)
    document.removeEventListener("visibilitychange", this.flushHidden)
    this.formTarget.removeEventListener("submit", this.submitting, true)
    this.editor?.destroy()
    this.editor = null
    this.loading = null
  }

  // Opening, reply or note

  open(event: Event): void {
    if (event instanceof MouseEvent && (event.ctrlKey || event.metaKey || event.shiftKey)) return
    event.preventDefault()
    const kind = (event.currentTarget as HTMLElement).dataset.kind
    if (kind) this.choose(kind)
    this.element.removeAttribute("data-closed")
    void this.load().then(() => this.focus())
  }

  close(event: Event): void {
    event.preventDefault()
    if (this.hasAwayTarget) return this.awayTarget.click()
    this.flush()
    this.element.setAttribute("data-closed", "")
    this.element.querySelector<HTMLElement>("[data-kind]")?.focus()
  }

  private choose(kind: string): void {
    if (this.messageValue) return
    if (kind !== this.kindValue) this.propose(kind)
    this.kindValue = kind
    this.element.dataset.kind = kind
    this.formTarget.action = `${base}/conversations/${this.numberValue}/${kind}`
    this.element.querySelectorAll<HTMLElement>("[role=tab]").forEach((t) => t.setAttribute("aria-selected", String(t.dataset.kind === kind)))
    this.sendTarget.textContent = kind === "note" ? "Add note" : "Send"
    this.editor?.placeholder(placeholder(kind))
    if (!this.isBlank()) this.changed()
  }

  /** What the mailbox proposes is for after a reply; a note leaves all as it is. */
  private propose(kind: string): void {
    for (const select of this.afterTargets) {
      const proposed = select.dataset.proposed ?? ""
      if (kind === "note" && select.value === proposed) select.value = ""
      else if (kind !== "note" && select.value === "") select.value = proposed
    }
  }

  private isOpen(): boolean {
    return !this.element.hasAttribute("data-closed")
  }

  private focus(): void {
    if (this.editor) this.editor.focus()
    else this.bodyTarget.focus()
  }

  /** Brings the editor; until it is there, or if it cannot come, the textarea serves. */
  private load(): Promise<void> {
    this.loading ??= import("../editor").then(
      ({ createEditor }) => {
        if (!this.element.isConnected || this.editor) return
        const text = this.bodyTarget.value
        this.editor = createEditor({
          mount: this.mountTarget,
          html: this.formatTarget.value === "html" ? text : paragraphs(text),
          placeholder: placeholder(this.kindValue),
          label: this.bodyTarget.getAttribute("aria-label") ?? "",
          changed: () => this.edited(),
          files: (files) => this.take(files),
          state: (name, on) => this.toolbarTarget.querySelector(`[data-command-name="${name}"]`)?.setAttribute("aria-pressed", String(on)),
        })
        const typing = document.activeElement === this.bodyTarget
        this.bodyTarget.hidden = true
        this.toolbarTarget.hidden = false
        this.formatTarget.value = "html"
        if (typing) this.editor.focus()
      },
      () => {
        this.loading = null // the plain field stays; the next opening tries again
      },
    )
    return this.loading
  }

  command(event: Event): void {
    const button = (event.target as HTMLElement).closest<HTMLElement>("[data-command-name]")
    if (button) this.editor?.run(button.dataset.commandName ?? "")
  }

  toggleExtra(event: Event): void {
    event.preventDefault()
    this.extraTargets.forEach((e) => (e.hidden = false))
    ;(event.currentTarget as HTMLElement).hidden = true
    this.extraTargets[0]?.querySelector<HTMLElement>("input:not([type=hidden])")?.focus()
  }

  // Keys

  key(event: KeyboardEvent): void {
    const mod = event.ctrlKey || event.metaKey
    if (mod && event.key === "Enter") {
      event.preventDefault()
      event.stopPropagation()
      const button = event.shiftKey && this.kindValue === "reply" && this.hasSendCloseTarget ? this.sendCloseTarget : this.sendTarget
      const path = this.formTarget.elements.namedItem("path")
      if (path instanceof HTMLInputElement) path.value = "keyboard"
      this.formTarget.requestSubmit(button)
    } else if (event.key === "Escape" && !event.isComposing && !(event.target as HTMLElement).closest("details[open]")) {
      this.close(event)
    }
  }

  // Autosave

  private edited(): void {
    if (this.editor) this.bodyTarget.value = this.editor.html()
    this.changed()
  }

  changed(): void {
    this.changedSince = true
    this.keepCopy()
    this.say("Writing…")
    window.clearTimeout(this.timer)
    this.timer = window.setTimeout(() => void this.save(), QUIET)
  }

  private readonly flush = () => {
    if (!this.changedSince || this.sending) return
    window.clearTimeout(this.timer)
    void this.save(true)
  }

  private readonly flushHidden = () => {
    if (document.hidden || !this.element.isConnected) this.flush()
  }

  private save(last = false): Promise<void> {
    if (this.saving) return this.saving.then(() => (this.changedSince && !this.sending ? this.save(last) : undefined))
    this.changedSince = false
    this.saving = this.post(last).finally(() => (this.saving = null))
    return this.saving
  }

  private async post(last: boolean): Promise<void> {
    const data = new FormData()
    for (const [name, value] of new FormData(this.formTarget)) {
      if (typeof value === "string") data.append(name, value) // files have been uploaded already
    }
    data.set("kind", this.kindValue)
    try {
      const answer = await fetch(base + (this.messageValue ? `/messages/${this.messageValue}/edit/draft` : `/conversations/${this.numberValue}/draft`), {
        method: "POST",
        body: data,
        credentials: "same-origin",
        redirect: "manual",
        keepalive: last && this.bodyTarget.value.length < 50_000, // the browser's own cap is 64 kB
        headers: { "X-Postroom-Tab": tab },
      })
      if (this.messageValue && answer.status === 409) {
        // Saved or changed in another window: what is typed here stays, and saving says what to do.
        this.say("Changed in another window; your words are kept in this browser")
        return
      }
      if (!answer.ok) throw new Error(String(answer.status))
      if (answer.status === 200) this.adopt(await answer.text())
      if (!this.changedSince) {
        this.dropCopy()
        this.say("Saved")
      }
    } catch {
      this.changedSince = true
      this.say("Not saved yet: kept in this browser, trying again")
      window.clearTimeout(this.timer)
      if (this.element.isConnected) this.timer = window.setTimeout(() => void this.save(), 5000)
    }
  }

  /** Takes the id the server gave the draft; the element's id follows, so that a live page finds it. */
  private adopt(answer: string): void {
    const [draft, revision] = answer.trim().split(" ")
    if (!draft || !revision) return
    this.draftTarget.value = draft
    this.revisionTarget.value = revision
    if (!this.messageValue) this.element.id = `composer-${this.numberValue}-${draft}`
  }

  private say(words: string): void {
    this.savedTarget.textContent = words
  }

  // Sending

  /** Lets an autosave or an upload end before the form goes, so that neither comes after it. */
  private readonly submitting = (event: SubmitEvent) => {
    window.clearTimeout(this.timer)
    if (this.editor) this.bodyTarget.value = this.editor.html()
    if (!this.saving && this.uploads.size === 0) {
      this.sending = true
      return
    }
    event.preventDefault()
    event.stopImmediatePropagation()
    this.say(this.messageValue ? "Saving…" : this.uploads.size > 0 ? "Sending after the upload…" : "Sending…")
    const submitter = event.submitter
    void Promise.allSettled([this.saving, ...this.uploads]).then(() => {
      if (this.filesTarget.querySelector("[data-bad]")) return this.say("A file could not be uploaded: remove it, or try again")
      if (this.element.isConnected) this.formTarget.requestSubmit(submitter)
    })
  }

  sent(event: CustomEvent<{ success: boolean }>): void {
    this.sending = false
    if (event.detail.success) {
      this.changedSince = false
      this.dropCopy()
    } else {
      this.say(this.messageValue ? "Not saved yet" : "Not sent")
      this.changedSince = true
    }
  }

  private isBlank(): boolean {
    return this.editor ? this.editor.blank() : this.bodyTarget.value.trim() === ""
  }

  // Files

  pick(event: Event): void {
    event.preventDefault()
    this.fileTarget.click()
  }

  picked(): void {
    this.take([...(this.fileTarget.files ?? [])], false)
    this.fileTarget.value = ""
  }

  dragover(event: DragEvent): void {
    if (!event.dataTransfer?.types.includes("Files")) return
    event.preventDefault()
    this.element.setAttribute("data-js-drop", "")
  }

  dragleave(event: DragEvent): void {
    if (!this.element.contains(event.relatedTarget as Node)) this.element.removeAttribute("data-js-drop")
  }

  dropped(event: DragEvent): void {
    this.element.removeAttribute("data-js-drop")
    if (event.defaultPrevented) return
    const files = [...(event.dataTransfer?.files ?? [])]
    if (files.length === 0) return
    event.preventDefault()
    this.take(files)
  }

  removeFile(event: Event): void {
    event.preventDefault()
    const line = (event.target as HTMLElement).closest("li")
    const file = line?.querySelector<HTMLInputElement>("input[name=attachment]")
    if (file) {
      file.name = "removed" // told with each save: the server drops it from the draft only when told
      this.formTarget.append(file)
    }
    line?.remove()
    this.changed()
  }

  /** Uploads files; pictures go into the text unless they came by the attach button. */
  private take(files: File[], inText = true): void {
    this.element.removeAttribute("data-closed")
    for (const file of files) {
      const inline = inText && this.editor !== null && /^image\/(png|jpeg|gif|webp)$/.test(file.type)
      const done = upload({ file, conversation: this.numberValue, kind: this.kindValue, message: this.messageValue, version: this.version(), inline, list: this.filesTarget }).then((url) => {
        if (inline && url) this.editor?.picture(url, file.name)
        this.changed()
      })
      this.uploads.add(done)
      void done.finally(() => this.uploads.delete(done))
    }
  }

  /** The version of the message that is being changed, or the newer one that was shown since. */
  private version(): number {
    const field = (name: string) => Number(this.formTarget.querySelector<HTMLInputElement>(`input[name=${name}]`)?.value ?? 0)
    return Math.max(field("version"), field("over"))
  }

  // The copy in this browser

  private get copyKey(): string {
    const message = this.messageValue ? `.${this.messageValue}` : ""
    return `postroom.draft.${base}${this.agentValue}.${this.numberValue}${message}`
  }

  private keepCopy(): void {
    try {
      localStorage.setItem(this.copyKey, JSON.stringify({ at: Date.now(), kind: this.kindValue, format: this.formatTarget.value, body: this.bodyTarget.value }))
    } catch {
      // No storage here: the server's copy is the only one.
    }
  }

  private dropCopy(): void {
    try {
      localStorage.removeItem(this.copyKey)
    } catch {
      // As above.
    }
  }

  /** A copy that the server never got, from a crash or a lost session. */
  private restoreCopy(): void {
    try {
      const copy = JSON.parse(localStorage.getItem(this.copyKey) ?? "null") as { at: number; kind: string; format: string; body: string } | null
      if (!copy || copy.at <= this.savedAtValue || copy.body.trim() === "" || copy.body === this.bodyTarget.value) return
      this.bodyTarget.value = copy.body
      this.formatTarget.value = copy.format
      this.element.removeAttribute("data-closed")
      this.choose(copy.kind)
      this.changed()
      this.say("Brought back from this browser")
    } catch {
      this.dropCopy()
    }
  }
}

function placeholder(kind: string): string {
  if (kind === "edit") return "What should it say?"
  return kind === "note" ? "Write a note. Only your team sees it." : "Write a reply…"
}

function paragraphs(text: string): string {
  const escape = (t: string) => t.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c] ?? c)
  return text.split(/\n{2,}/).map((p) => `<p>${escape(p).replace(/\n/g, "<br>")}</p>`).join("")
}
