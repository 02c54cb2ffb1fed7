// A small receiver of the HTTP API destination, with Node's standard library.
import { createServer } from "node:http";

// receiver keeps the newest body of each profile, by its ECID.
export function receiver(profiles = new Map()) {
  return createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      try {
        const profile = JSON.parse(Buffer.concat(chunks).toString());
        for (const { id } of profile.identityMap.ecid ?? []) profiles.set(id, profile);
        response.statusCode = 200;
      } catch {
        response.statusCode = 400; // wrong however often it is repeated
      }
      response.end();
    });
  });
}
