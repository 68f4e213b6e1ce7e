// An OpenID provider for tests/oauth.rs: one public native client, rotating refresh tokens, the device grant.
//
// The issuer must be known before the provider is made and the port only after it listens, so a bare server
// listens first. The first line on stdout is the issuer.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'native-client',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    redirect_uris: ['http://127.0.0.1/callback'],
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  }],
  cookies: { keys: ['only for tests'] },
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    revocation: { enabled: true, allowedPolicy: () => true },
  },
  // As the Platform: who may have a refresh token gets one without being asked for consent again and again.
  issueRefreshToken: (_context, client, _code) => client.grantTypeAllowed('refresh_token'),
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  scopes: ['openid', 'offline_access'],
  ttl: { AccessToken: 600, AuthorizationCode: 60, DeviceCode: 120, Grant: 3600, IdToken: 600, Interaction: 600, RefreshToken: 3600, Session: 3600 },
});

server.on('request', provider.callback());
console.log(issuer);

// A test that is killed leaves no server behind: its end of this pipe closes.
process.stdin.on('end', () => process.exit(0)).resume();
