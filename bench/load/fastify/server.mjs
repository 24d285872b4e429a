// SPDX-License-Identifier: MIT
// The peer that a team would write first: Fastify and node-postgres answering whoami as the gateway does. One process,
// one listener for HTTP and one for HTTPS. A schema for the answer, so that Fastify writes JSON its fast way; a named
// statement, so that PostgreSQL plans once. It notes no last use, which makes it cheaper than what it stands for.
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';
import pg from 'pg';

const CACHE_TTL_MS = 60_000;
const CACHE_ENTRIES_MAX = 100_000;
const TOKEN = /^Bearer ((?:sr_live_|sk_)[A-Za-z0-9_-]{20,255})$/;

const pool = new pg.Pool({ max: 10 });
const cache = process.env.TOKEN_CACHE === 'on' ? new Map() : null;

const lookup = {
  name: 'token_lookup',
  text: `select t.digest, t.id, t.name, t.prefix, t.scopes, t.created_at, t.last_used_at, t.expires_at, t.allowed_ips,
                t.rotates_itself,
                o.id as org_id, o.slug, o.name as org_name
         from skillreg.api_token t join skillreg.organisation o on o.id = t.org_id
         where t.prefix = $1 and t.revoked_at is null and o.deleted_at is null`,
};

async function find(secret) {
  const digest = createHash('sha256').update(secret).digest();
  const key = cache && digest.toString('base64');
  const kept = cache?.get(key);
  if (kept && kept.until > Date.now()) return kept.row;
  const { rows } = await pool.query({ ...lookup, values: [secret.slice(0, 12)] });
  const row = rows.find((candidate) => timingSafeEqual(candidate.digest, digest));
  if (cache && row) {
    if (cache.size >= CACHE_ENTRIES_MAX) cache.delete(cache.keys().next().value);
    cache.set(key, { row, until: Date.now() + CACHE_TTL_MS });
  }
  return row;
}

const scopeNames = (set) => ['read', 'write', 'admin'].filter((_, bit) => set & (1 << bit));

function whoami(row) {
  return {
    user: { id: row.id, email: `${row.id}@${row.slug}.skillreg.invalid`, name: row.name },
    org: { id: row.org_id, slug: row.slug, name: row.org_name },
    orgs: [{ slug: row.slug, name: row.org_name, role: row.scopes & 4 ? 'admin' : 'member' }],
    token: {
      id: row.id,
      name: row.name,
      prefix: row.prefix,
      scopes: scopeNames(row.scopes),
      createdAt: row.created_at.toISOString(),
      lastUsedAt: row.last_used_at?.toISOString() ?? null,
      expiresAt: row.expires_at?.toISOString() ?? null,
      allowedIps: row.allowed_ips ?? [],
      selfRotate: row.rotates_itself,
    },
  };
}

const text = { type: 'string' };
const textOrNull = { type: ['string', 'null'] };
const object = (...names) => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, text])),
});
const schema = {
  response: {
    200: {
      type: 'object',
      properties: {
        user: object('id', 'email', 'name'),
        org: object('id', 'slug', 'name'),
        orgs: { type: 'array', items: object('slug', 'name', 'role') },
        token: {
          type: 'object',
          properties: {
            ...object('id', 'name', 'prefix', 'createdAt').properties,
            scopes: { type: 'array', items: text },
            lastUsedAt: textOrNull,
            expiresAt: textOrNull,
            allowedIps: { type: 'array', items: text },
            selfRotate: { type: 'boolean' },
          },
        },
      },
    },
  },
};

async function answer(request, reply) {
  const match = TOKEN.exec(request.headers.authorization ?? '');
  const row = match && (await find(match[1]));
  if (!row || (row.expires_at && row.expires_at <= new Date())) {
    reply.code(401).header('www-authenticate', 'Bearer');
    return { error: { code: 'invalid_token', message: 'The token is not valid.' } };
  }
  reply.header('cache-control', 'no-store');
  return whoami(row);
}

async function listen(kind, options) {
  const server = Fastify({ logger: false, ...options });
  server.get('/api/v1/auth/whoami', { schema }, answer);
  await server.listen({ host: '127.0.0.1', port: 0 });
  console.log(`${kind} ${server.server.address().port}`);
}

await listen('http', {});
await listen('https', {
  https: {
    cert: readFileSync(process.env.TLS_CERT),
    key: readFileSync(process.env.TLS_KEY),
    ciphers: process.env.TLS_CIPHERS,
  },
});
