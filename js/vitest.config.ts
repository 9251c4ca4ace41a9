import { defineConfig } from "vitest/config";

// Slow is not wrong: the timeouts end what hangs, on any machine.
export default defineConfig({
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.ts"],
    restoreMocks: true,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
