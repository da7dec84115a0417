// The part of Turbo that we use; the package carries no types of its own.
declare module "@hotwired/turbo" {
  export interface MorphCallbacks {
    /** Called before a node is morphed (with its counterpart) or removed (without). False leaves it alone. */
    beforeNodeMorphed?: (current: Element, next?: Node) => boolean
  }
  export function morphElements(current: Element, next: Element, options?: { callbacks?: MorphCallbacks }): void
  export function visit(location: string | URL, options?: { action?: "advance" | "replace" | "restore"; frame?: string }): void
  export const config: {
    drive: { progressBarDelay: number }
    forms: { confirm: (message: string, form: HTMLFormElement, submitter: HTMLElement | null) => boolean | Promise<boolean> }
  }
  export const cache: { clear(): void }
}
