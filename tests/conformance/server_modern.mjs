// MCP conformance fixture, dual-era (2026-07-28 stateless + 2025-era), on the official TypeScript SDK v2 low-level Server.
// usage: node server_modern.mjs stdio | node server_modern.mjs http PORT
import http from 'node:http';
import { Server, createMcpHandler, inputRequired, createRequestStateCodec, MissingRequiredClientCapabilityError, ResourceNotFoundError, ProtocolError } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { toNodeHandler } from '@modelcontextprotocol/node';
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
const WAV = Buffer.concat([Buffer.from('RIFF'), Buffer.from([38, 0, 0, 0]), Buffer.from('WAVEfmt '), Buffer.from([16, 0, 0, 0, 1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0]), Buffer.from('data'), Buffer.from([2, 0, 0, 0, 0, 0])]).toString('base64');
const sleep = ms => new Promise(r => setTimeout(r, ms)), text = t => ({ content: [{ type: 'text', text: t }] }), OBJ = { type: 'object', properties: {} };
const S2020 = { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object', $defs: { address: { $anchor: 'addressDef', type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
  properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' }, contactMethod: { type: 'string', enum: ['phone', 'email'] }, phone: { type: 'string' }, email: { type: 'string' } },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }], if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] }, then: { required: ['phone'] }, else: { required: ['email'] }, additionalProperties: false };
const codec = createRequestStateCodec({ key: 'fixture-key-fixture-key-fixture-key-0001' });
const form = (message, props) => ({ method: 'elicitation/create', params: { message, requestedSchema: { type: 'object', properties: props, required: Object.keys(props) } } });
const samp = (t, n) => ({ method: 'sampling/createMessage', params: { messages: [{ role: 'user', content: { type: 'text', text: t } }], maxTokens: n } });
const roots = { method: 'roots/list', params: {} }, NAME = { name: { type: 'string' } };
const caps = x => x.mcpReq._meta?.['io.modelcontextprotocol/clientCapabilities'] ?? x.mcpReq.envelope?.['io.modelcontextprotocol/clientCapabilities'] ?? {};
let notify; // set per transport
const ir = x => x.mcpReq.inputResponses ?? {};
const txt = r => r?.content?.text ?? JSON.stringify(r);
const ask = async (x, inputRequests, st) => inputRequired({ inputRequests, ...(st !== undefined ? { requestState: await codec.mint(st) } : {}) });
const tools = {
  test_simple_text: [OBJ, () => text('This is a simple text response for testing.')],
  test_image_content: [OBJ, () => ({ content: [{ type: 'image', data: PNG, mimeType: 'image/png' }] })],
  test_audio_content: [OBJ, () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] })],
  test_embedded_resource: [OBJ, () => ({ content: [{ type: 'resource', resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'This is an embedded resource content.' } }] })],
  test_multiple_content_types: [OBJ, () => ({ content: [{ type: 'text', text: 'Multiple content types test:' }, { type: 'image', data: PNG, mimeType: 'image/png' }, { type: 'resource', resource: { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: '{"test":"data","value":123}' } }] })],
  test_tool_with_logging: [OBJ, async (a, x) => { for (const [i, d] of ['Tool execution started', 'Tool processing data', 'Tool execution completed'].entries()) { if (i) await sleep(50); await x.mcpReq.log('info', d, 'fixture'); } return text('logged'); }],
  test_logging_tool: [OBJ, async (a, x) => { await x.mcpReq.log('info', 'hello', 'fixture'); return text('logged'); }],
  test_tool_with_progress: [OBJ, async (a, x) => { const t = x.mcpReq._meta?.progressToken; for (const [i, p] of [0, 50, 100].entries()) { if (i) await sleep(50); if (t !== undefined) await x.mcpReq.notify({ method: 'notifications/progress', params: { progressToken: t, progress: p, total: 100 } }); } return text(String(t ?? 'none')); }],
  test_error_handling: [OBJ, () => ({ isError: true, ...text('This tool intentionally returns an error for testing') })],
  test_missing_capability: [OBJ, (a, x) => { if (!caps(x).sampling) throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { sampling: {} } }); return text('ok'); }],
  test_streaming_elicitation: [OBJ, (a, x) => ir(x).q ? text('done') : ask(x, { q: form('?', NAME) })],
  test_trigger_tool_change: [OBJ, (a, x, s) => { notify(s, 'tools'); return text('ok'); }],
  test_trigger_prompt_change: [OBJ, (a, x, s) => { notify(s, 'prompts'); return text('ok'); }],
  test_input_required_result_elicitation: [OBJ, (a, x) => { const n = ir(x).user_name; return n?.action === 'accept' && typeof n.content?.name === 'string' ? text(`Hello, ${n.content.name}!`) : ask(x, { user_name: form('What is your name?', NAME) }); }],
  test_input_required_result_sampling: [OBJ, (a, x) => ir(x).capital_question ? text(txt(ir(x).capital_question)) : ask(x, { capital_question: samp('What is the capital of France?', 100) })],
  test_input_required_result_list_roots: [OBJ, (a, x) => ir(x).client_roots ? text(JSON.stringify(ir(x).client_roots.roots)) : ask(x, { client_roots: roots })],
  test_input_required_result_request_state: [OBJ, (a, x) => ir(x).confirm ? text('state-ok ' + JSON.stringify(x.mcpReq.requestState() ?? null)) : ask(x, { confirm: form('Please confirm', { ok: { type: 'boolean' } }) }, { k: 1 })],
  test_input_required_result_tampered_state: [OBJ, (a, x) => ir(x).confirm ? text('ok') : ask(x, { confirm: form('Please confirm', { ok: { type: 'boolean' } }) }, { k: 2 })],
  test_input_required_result_multiple_inputs: [OBJ, (a, x) => { const r = ir(x); return r.user_name && r.greeting && r.client_roots ? text('all inputs received') : ask(x, { user_name: form('What is your name?', NAME), greeting: samp('Generate a greeting', 50), client_roots: roots }, { k: 3 }); }],
  test_input_required_result_multi_round: [OBJ, (a, x) => { const r = ir(x), st = x.mcpReq.requestState() ?? {}; if (r.step2) return text(`done ${st.name} ${r.step2.content?.color}`); if (r.step1) return ask(x, { step2: form('Step 2: What is your favorite color?', { color: { type: 'string' } }) }, { round: 2, name: r.step1.content?.name }); return ask(x, { step1: form('Step 1: What is your name?', NAME) }, { round: 1 }); }],
  test_input_required_result_capabilities: [OBJ, (a, x) => { const c = caps(x), q = {}; if (Object.keys(ir(x)).length) return text('ok'); if (c.sampling) q.s = samp('hi', 10); if (c.elicitation) q.e = form('hi', NAME); return Object.keys(q).length ? ask(x, q) : text('no capabilities'); }],
  test_custom_headers: [{ type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' }, query: { type: 'string' } }, required: ['region'] }, a => text('region=' + a.region)],
  json_schema_2020_12_tool: [S2020, a => text(JSON.stringify(a))],
};
const msg = (...c) => ({ messages: c.map(content => ({ role: 'user', content })) }), tx = t => ({ type: 'text', text: t });
const prompts = {
  test_simple_prompt: [[], () => msg(tx('This is a simple prompt for testing.'))],
  test_prompt_with_arguments: [['arg1', 'arg2'], a => msg(tx(`Prompt with arguments: arg1='${a.arg1}', arg2='${a.arg2}'`))],
  test_prompt_with_embedded_resource: [['resourceUri'], a => msg({ type: 'resource', resource: { uri: a.resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' } }, tx('Please process the embedded resource above.'))],
  test_prompt_with_image: [[], () => msg({ type: 'image', data: PNG, mimeType: 'image/png' }, tx('Please analyze the image above.'))],
  test_input_required_result_prompt: [[], (a, x) => ir(x).user_context ? msg(tx('Context: ' + JSON.stringify(ir(x).user_context.content))) : ask(x, { user_context: form('What context should the prompt use?', { context: { type: 'string' } }) })],
};
const resources = { 'test://static-text': ['text/plain', { text: 'This is the content of the static text resource.' }], 'test://static-binary': ['image/png', { blob: PNG }], 'test://watched-resource': ['text/plain', { text: 'watched' }] };
export function make() {
  const hint = { ttlMs: 5000, cacheScope: 'public' };
  const s = new Server({ name: 'conformance-fixture-modern', version: '1.0.0' }, { capabilities: { tools: { listChanged: true }, resources: { subscribe: true, listChanged: true }, prompts: { listChanged: true }, logging: {}, completions: {} },
    requestState: { verify: codec.verify }, cacheHints: Object.fromEntries(['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'resources/read', 'server/discover'].map(m => [m, hint])) });
  s.setRequestHandler('tools/list', () => ({ tools: Object.entries(tools).map(([name, [inputSchema]]) => ({ name, description: name, inputSchema })) }));
  s.setRequestHandler('tools/call', async (r, x) => { const t = tools[r.params.name]; if (!t) throw new ProtocolError(-32602, 'Unknown tool: ' + r.params.name); return t[1](r.params.arguments ?? {}, x, s); });
  s.setRequestHandler('prompts/list', () => ({ prompts: Object.entries(prompts).map(([name, [a]]) => ({ name, description: name, arguments: a.map(n => ({ name: n, required: true })) })) }));
  s.setRequestHandler('prompts/get', (r, x) => { const p = prompts[r.params.name]; if (!p) throw new ProtocolError(-32602, 'Unknown prompt'); return p[1](r.params.arguments ?? {}, x); });
  s.setRequestHandler('resources/list', () => ({ resources: Object.entries(resources).map(([uri, [mimeType]]) => ({ uri, name: uri, description: uri, mimeType })) }));
  s.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [{ uriTemplate: 'test://template/{id}/data', name: 'template', description: 'template', mimeType: 'application/json' }] }));
  s.setRequestHandler('resources/read', r => { const u = r.params.uri, f = resources[u]; if (f) return { contents: [{ uri: u, mimeType: f[0], ...f[1] }] };
    const m = /^test:\/\/template\/([^/]+)\/data$/.exec(u); if (m) return { contents: [{ uri: u, mimeType: 'application/json', text: JSON.stringify({ id: m[1], templateTest: true, data: 'Data for ID: ' + m[1] }) }] };
    throw new ResourceNotFoundError(u); });
  s.setRequestHandler('completion/complete', r => ({ completion: { values: ['paris', 'park', 'party'].filter(v => v.startsWith(r.params.argument.value)), total: 150, hasMore: false } }));
  try { s.setRequestHandler('resources/subscribe', () => ({})); s.setRequestHandler('resources/unsubscribe', () => ({})); } catch {}
  return s;
}
if (process.argv[2] === 'http') {
  const okHost = h => /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(h || ''), h = createMcpHandler(make), nh = toNodeHandler(h);
  notify = (s, k) => k === 'tools' ? h.notify.toolsChanged() : h.notify.promptsChanged();
  http.createServer((q, r) => { const o = q.headers.origin; if (!okHost(q.headers.host) || (o && !okHost(o.replace(/^https?:\/\//, '')))) return void r.writeHead(403).end(); nh(q, r); }).listen(+process.argv[3], '127.0.0.1', () => console.error('modern fixture on ' + process.argv[3]));
} else { notify = (s, k) => k === 'tools' ? s.sendToolListChanged() : s.sendPromptListChanged(); serveStdio(make); }
