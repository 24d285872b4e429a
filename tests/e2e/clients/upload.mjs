// SPDX-License-Identifier: MIT
// Uploads at a pace and prints the status: node upload.mjs <url> <token> <bytes> <bytes a second> <fetch|http>
import http from "node:http";
import https from "node:https";
import { Readable } from "node:stream";

const [url, token, total, pace, how] = process.argv.slice(2);
const PIECES_A_SECOND = 20;
const piece = Buffer.alloc(Math.max(1, Math.floor(Number(pace) / PIECES_A_SECOND)));
let left = Number(total);

async function* body() {
  for (; left > 0; left -= piece.length) {
    yield piece.subarray(0, Math.min(piece.length, left));
    await new Promise((resume) => setTimeout(resume, 1000 / PIECES_A_SECOND));
  }
}

const headers = { authorization: `Bearer ${token}`, "content-length": total };
if (how === "fetch") {
  const answer = await fetch(url, { method: "POST", duplex: "half", body: Readable.from(body()), headers });
  console.log(answer.status);
} else {
  const request = (url.startsWith("https") ? https : http).request(url, { method: "POST", headers });
  const answered = new Promise((resolve, reject) => {
    request.on("response", (answer) => resolve(answer.statusCode)).on("error", reject);
  });
  Readable.from(body()).pipe(request);
  console.log(await answered);
  process.exit(0);
}
