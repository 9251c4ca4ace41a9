/** Icons on a 16 px grid, 1.5 px stroke, in the colour of the text. Constant markup of our own, never of a server. */
const DOT = 'fill="currentColor" stroke="none"';

const SHAPES = {
  record: `<circle cx="8" cy="8" r="4.5" ${DOT}/>`,
  stop: `<rect x="4" y="4" width="8" height="8" rx="1" ${DOT}/>`,
  pause: '<path d="M5.5 3.5v9M10.5 3.5v9" stroke-width="2"/>',
  play: `<path d="M5 3.2v9.6l7.6-4.8z" ${DOT}/>`,
  caret: '<path d="M5 6.5 8 9.5l3-3"/>',
  more: `<g ${DOT}><circle cx="3.5" cy="8" r="1.3"/><circle cx="8" cy="8" r="1.3"/><circle cx="12.5" cy="8" r="1.3"/></g>`,
  mic: '<rect x="6" y="1.8" width="4" height="7.4" rx="2"/><path d="M3.5 7.5a4.5 4.5 0 0 0 9 0M8 12v2.2M5.8 14.2h4.4"/>',
  ok: `<circle cx="8" cy="8" r="6" ${DOT}/><path d="m5.4 8.2 1.8 1.8 3.4-3.7" stroke="var(--sp-paper)" stroke-width="1.7"/>`,
  again: '<path d="M13 8a5 5 0 1 1-1.6-3.7M13.2 2v3h-3"/>',
  lost: '<circle cx="8" cy="8" r="6"/><path d="m5.8 5.8 4.4 4.4M10.2 5.8l-4.4 4.4"/>',
  busy: '<path d="M4 2.2h8M4 13.8h8M5 2.2c0 3.4 6 3.6 6 5.8s-6 2.4-6 5.800M11 2.200c0 3.4-6 3.6-6 5.800s6 2.4 6 5.8"/>',
  warn: '<path d="M8 2 14.5 13.500h-13z"/><path d="M8 6.300v3.400M8 11.400v.4" stroke-width="1.7"/>',
  info: '<circle cx="8" cy="8" r="6"/><path d="M8 7.200v3.800M8 4.700v.4" stroke-width="1.7"/>',
  minus: '<path d="M4 8h8"/>',
  plus: '<path d="M4 8h8M8 4v8"/>',
  live: '<path d="M2.5 8h7M6.8 5 9.8 8l-3 3M12.8 3.500v9"/>',
  copy: '<rect x="5.5" y="5.5" width="8" height="8" rx="1"/><path d="M10.5 3.500v-1h-8v8h1"/>',
  gap: '<path d="M1.5 8h4M10.5 8h4M6.5 4.500l-1 7M10.5 4.500l-1 7"/>',
  dots: `<g ${DOT}><circle cx="3.5" cy="9" r="1.4"/><circle cx="8" cy="9" r="1.4"/><circle cx="12.5" cy="9" r="1.4"/></g>`,
  file: '<path d="M9 1.800H4v12.400h8.500V5.300zM9 1.800v3.500h3.5"/>',
  flag: '<path d="M4 14.500V2M4 2.500h8l-2 2.800 2 2.800H4"/>',
  screen: '<rect x="1.800" y="2.500" width="12.400" height="8.500" rx="1"/><path d="M8 11v3M5 14h6"/>',
  keys: '<rect x="1.500" y="4" width="13" height="8.500" rx="1"/><path d="M4 6.800h.01M6.700 6.800h.01M9.300 6.800h.01M12 6.800h.01M5 9.800h6" stroke-width="1.700"/>',
  sliders:
    '<path d="M2 5h5.500M11 5h3M2 11h2.500M8 11h6"/><circle cx="9.200" cy="5" r="1.700"/><circle cx="6.200" cy="11" r="1.700"/>',
  prev: '<path d="M9.8 3.8 5.6 8l4.2 4.2"/>',
  next: '<path d="M6.2 3.8 10.4 8l-4.2 4.2"/>',
  undo: '<path d="M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6M5.8 3.5l-3 3 3 3"/>',
  redo: '<path d="M13 6.5H6.5a3.5 3.5 0 0 0 0 7H10M10.2 3.5l3 3-3 3"/>',
  brush: '<path d="M2.5 11.5h11M4.5 8.5v6M11.5 8.5v6M8 1.500v5M5.8 4.4 8 6.600l2.2-2.2"/>',
  square: `<rect x="4" y="4" width="8" height="8" ${DOT}/>`,
  circle: `<circle cx="8" cy="8" r="4.3" ${DOT}/>`,
  triangle: `<path d="M8 3.5 13 12H3z" ${DOT}/>`,
  star: `<path d="m8 1.5 2 4.3 4.7.6-3.5 3.2.9 4.7L8 12l-4.1 2.300.9-4.700L1.300 6.400 6 5.800z" ${DOT}/>`,
  kernel:
    '<rect x="4" y="4" width="8" height="8" rx="1"/><path d="M6.5 1.800V4M9.500 1.800V4M6.500 12v2.200M9.500 12v2.200M1.800 6.500H4M1.800 9.500H4M12 6.500h2.200M12 9.500h2.2"/>',
} as const;

export type IconName = keyof typeof SHAPES;

export function icon(name: IconName, extra = ""): SVGSVGElement {
  return svg(`sp-i ${extra}`.trim(), "0 0 16 16", SHAPES[name]);
}

/** The grip of a threshold flag. */
export function grip(): SVGSVGElement {
  const dots = [1.5, 5, 8.5].flatMap((y) => [1.5, 4.5].map((x) => `<circle cx="${x}" cy="${y}" r="1"/>`));
  return svg("sp-grip", "0 0 6 10", `<g fill="currentColor">${dots.join("")}</g>`);
}

function svg(className: string, viewBox: string, shapes: string): SVGSVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  element.setAttribute("class", className);
  element.setAttribute("viewBox", viewBox);
  element.setAttribute("aria-hidden", "true");
  element.innerHTML = shapes;
  return element;
}
