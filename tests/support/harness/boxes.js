// What of a widget cannot be reached or read: controls outside of what holds them or over each other, and words that
// are cut off without a tooltip or lie over others.
() => {
  const PARTS = ".lab-pan > *, .sp-head, .sp-tune, .sp-status, .sp-menu";
  const CONTROLS = "button, input, select, a, [role=slider], [role=radio], [role=scrollbar], [role=option], [role^=menuitem]";
  const OVER_THE_PICTURE = ".sp-chip, .sp-mark, .truth i"; // they lie where their time is
  const SCROLLING = "style, .sp-chip, .sp-script, .sp-cap, .truth, pre";
  const root = document.querySelector(".sp");
  const outer = root.getBoundingClientRect();
  const found = new Set();
  const called = (e) => `<${e.tagName.toLowerCase()} class="${e.className}"> ${e.ariaLabel ?? e.textContent}`.slice(0, 90);
  const unseen = (e) => e.closest(".sp-vh, [aria-hidden=true]") !== null || getComputedStyle(e).clipPath !== "none";
  const isShown = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !unseen(e);
  const clips = new Map();
  const clipOf = (parent) => { // the room that the children of an element have; endless where it can be scrolled
    if (!clips.has(parent)) clips.set(parent, roomIn(parent));
    return clips.get(parent);
  };
  const roomIn = (parent) => {
    const part = (parent.closest(PARTS) ?? root).getBoundingClientRect();
    const room = { left: part.left, right: part.right, top: part.top, bottom: part.bottom };
    for (let e = parent; e && root.contains(e); e = e.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(e);
      const box = e.getBoundingClientRect();
      if (overflowX !== "visible") {
        room.left = Math.max(room.left, box.left);
        room.right = Math.min(room.right, box.right);
      }
      if (overflowY === "auto") [room.top, room.bottom] = [-Infinity, Infinity];
      else if (overflowY !== "visible") {
        room.top = Math.max(room.top, box.top);
        room.bottom = Math.min(room.bottom, box.bottom);
      }
    }
    return room;
  };
  const common = (a, b) => ({
    width: Math.min(a.right, b.right) - Math.max(a.left, b.left),
    height: Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top),
  });

  const controls = [...root.querySelectorAll(CONTROLS)]
    .filter((e) => !e.matches(OVER_THE_PICTURE) && isShown(e))
    .map((e) => ({ e, box: e.getBoundingClientRect() }));
  for (const { e, box } of controls) {
    const { width, height } = common(box, clipOf(e.parentElement));
    if (box.width - width > 0.75 || box.height - height > 0.75) found.add(`outside: ${called(e)}`);
  }
  const isBehind = (a, b) => a.closest(".sp-menu") !== b.closest(".sp-menu");
  for (const [i, a] of controls.entries())
    for (const b of controls.slice(i + 1)) {
      if (a.e.contains(b.e) || isBehind(a.e, b.e)) continue;
      const { width, height } = common(a.box, b.box);
      if (width > 1.5 && height > 1.5) found.add(`over each other: ${called(a.e)} | ${called(b.e)}`);
    }

  const words = [];
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || e.closest(SCROLLING) || !isShown(e)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const room = clipOf(e);
    for (const box of range.getClientRects()) {
      const { width, height } = common(box, room);
      const isCut = box.width - width > 1.5 || box.height - height > 4;
      if (isCut && !e.closest("[title]:not([title=''])")) found.add(`cut: ${called(e)}`);
      const [left, right] = [Math.max(box.left, room.left), Math.min(box.right, room.right)];
      if (width > 0 && height > 0) words.push({ node, e, box: { left, right, top: box.top, bottom: box.bottom } });
    }
  }
  for (const [i, a] of words.entries())
    for (const b of words.slice(i + 1)) {
      if (a.node === b.node || isBehind(a.e, b.e)) continue; // what an ellipsis leaves out counts as another line
      const { width, height } = common(a.box, b.box);
      if (width > 2 && height > 4) found.add(`over each other: ${called(a.e)} | ${called(b.e)}`);
    }
  return [...found];
}
