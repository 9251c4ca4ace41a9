import type { Scope } from "../scope.ts";
import { toggle } from "./dom.ts";

/** Opens a file that is dragged onto the widget; the notebook must not do so too. */
export function acceptFiles(root: HTMLElement, open: (file: File) => void, scope: Scope): void {
  let inside = 0; // of its elements: leaving one for another comes after entering that
  const isFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  const show = (count: number) => {
    inside = count;
    toggle(root, "is-dropping", inside > 0);
  };
  for (const type of ["dragenter", "dragover", "dragleave", "drop"] as const)
    scope.listen<DragEvent>(root, type, (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      event.stopPropagation();
      if (type === "dragenter") show(inside + 1);
      else if (type === "dragleave") show(inside - 1);
      else if (type === "drop") {
        show(0);
        const file = event.dataTransfer?.files[0];
        if (file) open(file);
      }
    });
}
