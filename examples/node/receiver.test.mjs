// Runs httpdest probe against the receiver: node --test
import assert from "node:assert";
import { execFile } from "node:child_process";
import test from "node:test";
import { receiver } from "./receiver.mjs";

test("the receiver passes the probe", async () => {
  const profiles = new Map();
  const server = receiver(profiles);
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const url = `http://127.0.0.1:${server.address().port}/profiles`;
  const httpdest = process.env.HTTPDEST ?? "httpdest";
  const { error, stdout, stderr } = await new Promise((done) =>
    execFile(httpdest, ["probe", url, "--run", "^(message|refusal)/"], (error, stdout, stderr) => done({ error, stdout, stderr })),
  );
  server.closeAllConnections?.();
  server.close();
  assert.equal(error, null, stdout + stderr);
  assert.ok(profiles.size > 0);
});
