// An OpenID Connect provider for tests: listens on a free port of 127.0.0.1 and prints its issuer.
//
// There is no page to sign in at: `login_hint` of the authorize call names who signs in, and they consent.
// `login_hint=refuse` is a person who does not. An account is `name`, `name~unverified` (its e-mail address
// is not), or `name+group+group`; its address is `name@example.com`.
//
// Clients: `tutela-sign-in` (PKCE is required of it) and `tutela-connection`, both with the secret
// `canary-client-secret` and any redirect address on loopback; others may register at `/reg`.
// `tutela-short` is `tutela-connection` with access tokens that are good for two seconds.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

// Standard output has the issuer and nothing else.
console.info = console.error;
const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const client = (id) => ({
  client_id: id,
  client_secret: 'canary-client-secret',
  redirect_uris: [`${issuer}/unused`],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
});

function account(id) {
  const [name, ...groups] = id.replace('~unverified', '').split('+');
  return {
    accountId: id,
    claims: () => ({
      sub: id,
      email: `${name}@example.com`,
      email_verified: !id.includes('~unverified'),
      name: name.charAt(0).toUpperCase() + name.slice(1),
      preferred_username: name,
      groups,
    }),
  };
}

const provider = new Provider(issuer, {
  clients: ['tutela-sign-in', 'tutela-connection', 'tutela-short'].map(client),
  findAccount: (_, id) => account(id),
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'preferred_username'],
    groups: ['groups'],
  },
  scopes: ['openid', 'offline_access', 'profile:read', 'profile:write'],
  conformIdTokenClaims: false,
  cookies: { keys: ['of-tests-only'] },
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true },
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  pkce: { required: (_, client) => client.clientId === 'tutela-sign-in' },
  ttl: { AccessToken: (_, __, client) => (client.clientId === 'tutela-short' ? 2 : 3600) },
});

// The ports of tests are free ones, so that no address can be named beforehand.
const listed = provider.Client.prototype.redirectUriAllowed;
provider.Client.prototype.redirectUriAllowed = function allowed(uri) {
  return listed.call(this, uri) || ['127.0.0.1', 'localhost'].includes(new URL(uri).hostname);
};

async function answer(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  const who = params.login_hint ?? 'ana';
  if (who === 'refuse') {
    return { error: 'access_denied', error_description: 'the person does not consent' };
  }
  if (prompt.name === 'login') {
    return { login: { accountId: who } };
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope ?? 'openid');
  return { consent: { grantId: await grant.save() } };
}

const callback = provider.callback();
server.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) {
    callback(request, response);
    return;
  }
  answer(request, response)
    .then((result) => provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true }))
    .catch((error) => {
      response.statusCode = 400;
      response.end(error.message);
    });
});

process.stdout.write(`${issuer}\n`);
