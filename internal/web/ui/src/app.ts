// The entry: what every page loads. The editor comes apart, when a composer
// opens (editor.ts).
import * as Turbo from "@hotwired/turbo"
import { Application } from "@hotwired/stimulus"
import { Live, tab } from "./live"
import { morphPage } from "./morph"
import { drawFromItsPlace } from "./scroll"
import { startKeys } from "./keys"
import AgainController from "./controllers/again"
import ChipsController from "./controllers/chips"
import ClockController from "./controllers/clock"
import ComposerController from "./controllers/composer"
import CopyController from "./controllers/copy"
import CountdownController from "./controllers/countdown"
import DialogController from "./controllers/dialog"
import FilterController from "./controllers/filter"
import FrameController from "./controllers/frame"
import LightboxController from "./controllers/lightbox"
import ListController from "./controllers/list"
import MenuController from "./controllers/menu"
import OrderController from "./controllers/order"
import PaletteController from "./controllers/palette"
import PaletteDoorController from "./controllers/palette-door"
import ProbeController from "./controllers/probe"
import SeenController from "./controllers/seen"
import TimelineController from "./controllers/timeline"
import ZoneController from "./controllers/zone"
import WorkflowEditorController from "./controllers/workflow-editor"

Turbo.config.drive.progressBarDelay = 300

let refused = false
document.addEventListener("turbo:before-fetch-request", (event) => {
  const { fetchOptions } = (event as CustomEvent<{ fetchOptions: { headers: Record<string, string> } }>).detail
  fetchOptions.headers["X-Postroom-Tab"] = tab
})
// Comes before the answer is drawn; turbo:submit-end comes after.
document.addEventListener("turbo:before-fetch-response", (event) => {
  const { fetchResponse } = (event as CustomEvent<{ fetchResponse: { statusCode: number } }>).detail
  if (event.target instanceof HTMLFormElement) refused = fetchResponse.statusCode === 422
})

// Visits morph too, so that the list keeps its scroll and focus when the next
// conversation opens.
document.addEventListener("turbo:before-render", (event) => {
  const { detail } = event as CustomEvent<{ render: (current: HTMLElement, next: HTMLElement) => void }>
  const reason = refused ? "refused" : "visit"
  refused = false
  detail.render = (current, next) => {
    if (reason === "refused") morphPage(current, next, reason)
    else drawFromItsPlace(() => morphPage(current, next, reason))
  }
})

// The browser's copies of drafts belong to the agent and go at sign-out.
document.addEventListener("submit", (event) => {
  if (!(event.target as HTMLFormElement).action.endsWith("/signout")) return
  try {
    Object.keys(localStorage).filter((key) => key.startsWith("postroom.draft.")).forEach((key) => localStorage.removeItem(key))
  } catch {
    // No storage, no copies.
  }
})

// Panes that lie over the page on small screens close when another page comes.
document.addEventListener("turbo:visit", () => {
  document.querySelectorAll<HTMLElement>(":popover-open").forEach((pane) => pane.hidePopover())
})

const application = Application.start()
application.register("again", AgainController)
application.register("chips", ChipsController)
application.register("clock", ClockController)
application.register("composer", ComposerController)
application.register("copy", CopyController)
application.register("countdown", CountdownController)
application.register("dialog", DialogController)
application.register("filter", FilterController)
application.register("frame", FrameController)
application.register("lightbox", LightboxController)
application.register("list", ListController)
application.register("menu", MenuController)
application.register("order", OrderController)
application.register("palette", PaletteController)
application.register("palette-door", PaletteDoorController)
application.register("probe", ProbeController)
application.register("seen", SeenController)
application.register("timeline", TimelineController)
application.register("zone", ZoneController)
application.register("workflow-editor", WorkflowEditorController)

const live = new Live()
live.start()
document.addEventListener("postroom:refresh", () => live.refresh())
startKeys()
