/** The path that this desk stands under: "" at the top, the sandbox's path in the sandbox. */
export const base = document.documentElement.dataset.base ?? ""
