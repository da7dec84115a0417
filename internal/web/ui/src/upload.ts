// One file on its way to POST /uploads, as a line in the composer's list. The
// server answers with the finished line (view.UploadChip).
import { base } from "./base"
import { tab } from "./live"

interface Upload {
  file: File
  conversation: number
  kind: string // "reply" or "note": into which draft it goes
  message: number // whose text is changed, 0 for a reply or note: into its draft then
  version: number // of that message
  inline: boolean
  list: HTMLElement
}

/** Resolves with the URL of a picture, or "" where there is none to show; a refused file stays in the list with its reason. */
export function upload({ file, conversation, kind, message, version, inline, list }: Upload): Promise<string> {
  const line = document.createElement("li")
  line.className = "file"
  line.setAttribute("data-browser", "")
  const name = document.createElement("span")
  name.className = "file-name"
  name.textContent = file.name
  const progress = document.createElement("progress")
  progress.max = 1
  progress.value = 0
  const cancel = document.createElement("button")
  cancel.type = "button"
  cancel.className = "file-remove"
  cancel.textContent = "×"
  cancel.setAttribute("aria-label", `Cancel ${file.name}`)
  line.append(name, progress, cancel)
  list.append(line)

  return new Promise((resolve) => {
    const fail = (words: string) => {
      progress.remove()
      line.setAttribute("data-bad", "")
      const why = document.createElement("span")
      why.className = "file-error"
      why.textContent = words
      cancel.before(why)
      cancel.onclick = () => line.remove()
      resolve("")
    }
    const request = new XMLHttpRequest() // fetch tells no upload progress
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) progress.value = event.loaded / event.total
    }
    request.onerror = () => fail("The connection broke")
    request.onload = () => {
      const page = new DOMParser().parseFromString(request.responseText, "text/html")
      const chip = page.querySelector<HTMLElement>("li")
      if (request.status !== 201 || !chip) {
        fail(chip?.dataset.error || (request.status === 413 ? "Too large" : `Refused (${request.status})`))
        return
      }
      const finished = document.importNode(chip, true)
      if (inline) finished.setAttribute("data-inline", "")
      line.replaceWith(finished)
      resolve(chip.dataset.url ?? "")
    }
    cancel.onclick = () => {
      request.abort()
      line.remove()
      resolve("")
    }
    const data = new FormData()
    data.append("conversation", String(conversation)) // the server wants these before the file
    data.append("kind", kind)
    if (message) {
      data.append("message", String(message))
      data.append("version", String(version))
    }
    if (inline) data.append("inline", "1")
    data.append("file", file)
    request.open("POST", base + "/uploads")
    request.setRequestHeader("X-Postroom-Tab", tab)
    request.send(data)
  })
}
