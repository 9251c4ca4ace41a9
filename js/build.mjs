// Builds the files that the Python package ships, one a widget. A module is loaded from a Blob URL that is revoked
// at once, so nothing may be fetched later: style sheets and the audio worklet are inlined as text.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));

/** `import text from "./x.css?raw"` gives minified CSS, `"./x.ts?raw"` a compiled script; Vite knows the same suffix. */
const inlineText = {
  name: "inline-text",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\?raw$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path.replace(/\?raw$/, "")),
      namespace: "inline-text",
    }));
    onLoad({ filter: /.*/, namespace: "inline-text" }, async ({ path }) => {
      const { outputFiles } = await build({
        entryPoints: [path],
        bundle: true,
        minify: true,
        write: false,
        charset: "utf8",
        format: "iife",
        target: "es2022",
        // nesting, light-dark() and container queries stay as written
        ...(path.endsWith(".css") ? { target: "chrome123" } : {}),
      });
      return { contents: outputFiles[0].text, loader: "text", watchFiles: [path] };
    });
  },
};

const licence = readFileSync(resolve(here, "node_modules/@preact/signals-core/LICENSE"), "utf8");

const shared = {
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  banner: { js: `/* Holds @preact/signals-core:\n${licence}*/` },
  logLevel: "info",
  plugins: [inlineText],
};

for (const widget of ["transcriber", "vadlab"]) {
  await build({
    ...shared,
    entryPoints: [resolve(here, `src/${widget}.ts`)],
    outfile: resolve(here, `../src/ipyspeaches/static/${widget}.js`),
    minify: true,
    sourcemap: false,
  });
}

if (process.argv.includes("--harness")) {
  await build({
    ...shared,
    entryPoints: [resolve(here, "dev/harness.ts")],
    outfile: resolve(here, "dev/dist/harness.js"),
    sourcemap: "inline",
  });
}

if (process.argv.includes("--bench")) {
  await build({
    ...shared,
    entryPoints: [resolve(here, "dev/bench.ts")],
    outfile: resolve(here, "dev/dist/bench.js"),
    minify: true, // as it is shipped
  });
}
