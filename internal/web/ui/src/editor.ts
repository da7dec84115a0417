// The editor, a chunk of its own that comes when a composer opens. Tiptap with
// exactly the marks and nodes that the server lets through
// (email.SanitiseComposed), and no style sheet of its own: the policy of our
// pages refuses inline styles (css/prose.css has them).
import { Editor as Tiptap } from "@tiptap/core"
import Image from "@tiptap/extension-image"
import StarterKit from "@tiptap/starter-kit"

export interface Editor {
  html(): string
  blank(): boolean
  focus(): void
  picture(url: string, alt: string): void
  placeholder(text: string): void
  run(command: string): void
  destroy(): void
}

interface Options {
  mount: HTMLElement
  html: string
  placeholder: string
  label: string
  changed(): void
  files(files: File[]): void
  state(command: string, on: boolean): void
}

export function createEditor(options: Options): Editor {
  const tiptap = new Tiptap({
    element: options.mount,
    injectCSS: false,
    content: options.html,
    extensions: [
      StarterKit.configure({
        heading: { levels: [2, 3] },
        link: { openOnClick: false, autolink: true, defaultProtocol: "https", protocols: ["mailto", "tel"] },
        dropcursor: { color: false, class: "drop-cursor" },
      }),
      Image.configure({ inline: true, allowBase64: false }),
    ],
    editorProps: {
      attributes: { class: "prose editor-text", role: "textbox", "aria-multiline": "true", "aria-label": options.label, spellcheck: "true" },
      handlePaste: (_view, event) => given(event, event.clipboardData, options),
      handleDrop: (_view, event) => given(event, event.dataTransfer, options),
    },
    onUpdate: () => options.changed(),
    onTransaction: ({ editor }) => {
      for (const name of ["bold", "italic", "strike", "code", "link", "bulletList", "orderedList", "blockquote", "codeBlock"]) {
        options.state(name, editor.isActive(name))
      }
      reflectEmpty(options.mount, editor.isEmpty)
    },
  })
  options.mount.dataset.placeholder = options.placeholder
  reflectEmpty(options.mount, tiptap.isEmpty)

  return {
    html: () => (tiptap.isEmpty ? "" : tiptap.getHTML()),
    blank: () => tiptap.isEmpty,
    focus: () => void tiptap.commands.focus("end"),
    picture: (url, alt) => void tiptap.chain().focus().setImage({ src: url, alt }).run(),
    placeholder: (text) => void (options.mount.dataset.placeholder = text),
    run: (command) => run(tiptap, command),
    destroy: () => tiptap.destroy(),
  }
}

/**
 * Files that were pasted or dropped are uploaded. A spreadsheet pastes its
 * cells as HTML with a picture of them beside: there the words win. A picture
 * copied from a page comes with HTML too, but without words.
 */
function given(event: Event, data: DataTransfer | null, options: Options): boolean {
  const files = [...(data?.files ?? [])]
  if (files.length === 0) return false
  const html = data?.getData("text/html") ?? ""
  if (html !== "" && new DOMParser().parseFromString(html, "text/html").body.textContent?.trim() !== "") return false
  event.preventDefault()
  options.files(files)
  return true
}

function reflectEmpty(mount: HTMLElement, empty: boolean): void {
  mount.toggleAttribute("data-js-empty", empty)
}

function run(editor: Tiptap, command: string): void {
  const chain = editor.chain().focus()
  switch (command) {
    case "bold":
      chain.toggleBold().run()
      break
    case "italic":
      chain.toggleItalic().run()
      break
    case "strike":
      chain.toggleStrike().run()
      break
    case "code":
      chain.toggleCode().run()
      break
    case "bulletList":
      chain.toggleBulletList().run()
      break
    case "orderedList":
      chain.toggleOrderedList().run()
      break
    case "blockquote":
      chain.toggleBlockquote().run()
      break
    case "codeBlock":
      chain.toggleCodeBlock().run()
      break
    case "link":
      link(editor)
      break
  }
}

function link(editor: Tiptap): void {
  const before = editor.getAttributes("link").href as string | undefined
  const typed = window.prompt("Where should the link lead? Leave empty for no link.", before ?? "https://")
  if (typed === null) return
  const href = typed.trim()
  if (href === "" || href === "https://") editor.chain().focus().extendMarkRange("link").unsetLink().run()
  else editor.chain().focus().extendMarkRange("link").setLink({ href }).run()
}
