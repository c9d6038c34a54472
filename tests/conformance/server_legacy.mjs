// MCP conformance fixture, 2025-era (written from the scenario descriptions, on the official SDK 1.x low-level Server).
// usage: node server_legacy.mjs stdio            -> what a mesh node hosts as a child process
//        node server_legacy.mjs http PORT        -> direct baseline, Streamable HTTP with sessions + DNS-rebinding checks
import http from 'node:http';
import { randomUUID } from 'node:crypto';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import * as T from '@modelcontextprotocol/sdk/types.js';
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
const WAV = Buffer.concat([Buffer.from('RIFF'), Buffer.from([38, 0, 0, 0]), Buffer.from('WAVEfmt '), Buffer.from([16, 0, 0, 0, 1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0]), Buffer.from('data'), Buffer.from([2, 0, 0, 0, 0, 0])]).toString('base64');
const sleep = ms => new Promise(r => setTimeout(r, ms)), text = t => ({ content: [{ type: 'text', text: t }] });
const OBJ = { type: 'object', properties: {} };
const S2020 = { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object',
  $defs: { address: { $anchor: 'addressDef', type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
  properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' }, contactMethod: { type: 'string', enum: ['phone', 'email'] }, phone: { type: 'string' }, email: { type: 'string' } },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }], if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] }, then: { required: ['phone'] }, else: { required: ['email'] }, additionalProperties: false };
const str = (...k) => ({ type: 'object', properties: Object.fromEntries(k.map(x => [x, { type: 'string' }])), required: k });
const tools = {
  test_simple_text: ['simple text', OBJ, () => text('This is a simple text response for testing.')],
  test_image_content: ['image', OBJ, () => ({ content: [{ type: 'image', data: PNG, mimeType: 'image/png' }] })],
  test_audio_content: ['audio', OBJ, () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] })],
  test_embedded_resource: ['embedded resource', OBJ, () => ({ content: [{ type: 'resource', resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'This is an embedded resource content.' } }] })],
  test_multiple_content_types: ['mixed', OBJ, () => ({ content: [{ type: 'text', text: 'Multiple content types test:' }, { type: 'image', data: PNG, mimeType: 'image/png' }, { type: 'resource', resource: { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: '{"test":"data","value":123}' } }] })],
  test_tool_with_logging: ['logs', OBJ, async (a, x) => { for (const [i, d] of ['Tool execution started', 'Tool processing data', 'Tool execution completed'].entries()) { if (i) await sleep(50); await x.sendNotification({ method: 'notifications/message', params: { level: 'info', logger: 'fixture', data: d } }); } return text('logged'); }],
  test_tool_with_progress: ['progress', OBJ, async (a, x) => { const t = x._meta?.progressToken; for (const [i, p] of [0, 50, 100].entries()) { if (i) await sleep(50); if (t !== undefined) await x.sendNotification({ method: 'notifications/progress', params: { progressToken: t, progress: p, total: 100 } }); } return text(String(t ?? 'no token')); }],
  test_error_handling: ['error', OBJ, () => ({ isError: true, ...text('This tool intentionally returns an error for testing') })],
  test_sampling: ['sampling', str('prompt'), async (a, x) => { const r = await x.sendRequest({ method: 'sampling/createMessage', params: { messages: [{ role: 'user', content: { type: 'text', text: a.prompt } }], maxTokens: 100 } }, T.CreateMessageResultSchema); return text('LLM response: ' + (r.content.text ?? JSON.stringify(r.content))); }],
  test_elicitation: ['elicit', str('message'), async (a, x) => { const r = await elicit(x, a.message, { type: 'object', properties: { username: { type: 'string', description: "User's response" }, email: { type: 'string', description: "User's email address" } }, required: ['username', 'email'] }); return text(`User response: action=${r.action}, content=${JSON.stringify(r.content ?? {})}`); }],
  test_elicitation_sep1034_defaults: ['defaults', OBJ, async (a, x) => { const r = await elicit(x, 'defaults', { type: 'object', properties: { name: { type: 'string', default: 'John Doe' }, age: { type: 'integer', default: 30 }, score: { type: 'number', default: 95.5 }, status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' }, verified: { type: 'boolean', default: true } }, required: [] }); return text(`Elicitation completed: action=${r.action}, content=${JSON.stringify(r.content ?? {})}`); }],
  test_elicitation_sep1330_enums: ['enums', OBJ, async (a, x) => { const t3 = ['First', 'Second', 'Third']; const r = await elicit(x, 'enums', { type: 'object', properties: { untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] }, titledSingle: { type: 'string', oneOf: t3.map((t, i) => ({ const: 'value' + (i + 1), title: t + ' Option' })) }, legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] }, untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } }, titledMulti: { type: 'array', items: { anyOf: t3.map((t, i) => ({ const: 'value' + (i + 1), title: t + ' Choice' })) } } }, required: [] }); return text(`Elicitation completed: action=${r.action}, content=${JSON.stringify(r.content ?? {})}`); }],
  test_reconnection: ['closes its SSE stream mid-call', OBJ, async (a, x) => { x.closeSSEStream?.(); await sleep(100); return text('Reconnection test completed successfully'); }],
  json_schema_2020_12_tool: ['Tool with JSON Schema 2020-12 features', S2020, a => text(JSON.stringify(a))],
};
const elicit = (x, message, requestedSchema) => x.sendRequest({ method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } }, T.ElicitResultSchema);
const msg = (...c) => ({ messages: c.map(content => ({ role: 'user', content })) }), tx = t => ({ type: 'text', text: t });
const prompts = {
  test_simple_prompt: [[], () => msg(tx('This is a simple prompt for testing.'))],
  test_prompt_with_arguments: [['arg1', 'arg2'], a => msg(tx(`Prompt with arguments: arg1='${a.arg1}', arg2='${a.arg2}'`))],
  test_prompt_with_embedded_resource: [['resourceUri'], a => msg({ type: 'resource', resource: { uri: a.resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' } }, tx('Please process the embedded resource above.'))],
  test_prompt_with_image: [[], () => msg({ type: 'image', data: PNG, mimeType: 'image/png' }, tx('Please analyze the image above.'))],
};
const resources = { 'test://static-text': ['text/plain', { text: 'This is the content of the static text resource.' }], 'test://static-binary': ['image/png', { blob: PNG }], 'test://watched-resource': ['text/plain', { text: 'watched' }] };
function make() {
  const s = new Server({ name: 'conformance-fixture', version: '1.0.0' }, { capabilities: { tools: { listChanged: true }, resources: { subscribe: true, listChanged: true }, prompts: { listChanged: true }, logging: {}, completions: {} }, instructions: 'conformance fixture' });
  s.setRequestHandler(T.ListToolsRequestSchema, () => ({ tools: Object.entries(tools).map(([name, [description, inputSchema]]) => ({ name, description, inputSchema })) }));
  s.setRequestHandler(T.CallToolRequestSchema, async (r, x) => { const t = tools[r.params.name]; if (!t) throw new T.McpError(T.ErrorCode.InvalidParams, 'Unknown tool: ' + r.params.name); return t[2](r.params.arguments ?? {}, x); });
  s.setRequestHandler(T.ListPromptsRequestSchema, () => ({ prompts: Object.entries(prompts).map(([name, [a]]) => ({ name, description: name, arguments: a.map(n => ({ name: n, required: true })) })) }));
  s.setRequestHandler(T.GetPromptRequestSchema, r => { const p = prompts[r.params.name]; if (!p) throw new T.McpError(T.ErrorCode.InvalidParams, 'Unknown prompt'); return p[1](r.params.arguments ?? {}); });
  s.setRequestHandler(T.ListResourcesRequestSchema, () => ({ resources: Object.entries(resources).map(([uri, [mimeType]]) => ({ uri, name: uri, description: uri, mimeType })) }));
  s.setRequestHandler(T.ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [{ uriTemplate: 'test://template/{id}/data', name: 'template', description: 'template', mimeType: 'application/json' }] }));
  s.setRequestHandler(T.ReadResourceRequestSchema, r => { const u = r.params.uri, f = resources[u]; if (f) return { contents: [{ uri: u, mimeType: f[0], ...f[1] }] };
    const m = /^test:\/\/template\/([^/]+)\/data$/.exec(u); if (m) return { contents: [{ uri: u, mimeType: 'application/json', text: JSON.stringify({ id: m[1], templateTest: true, data: 'Data for ID: ' + m[1] }) }] };
    throw new T.McpError(-32002, 'Resource not found', { uri: u }); });
  s.setRequestHandler(T.SubscribeRequestSchema, () => ({})); s.setRequestHandler(T.UnsubscribeRequestSchema, () => ({}));
  s.setRequestHandler(T.SetLevelRequestSchema, () => ({}));
  s.setRequestHandler(T.CompleteRequestSchema, r => ({ completion: { values: ['paris', 'park', 'party'].filter(v => v.startsWith(r.params.argument.value)), total: 150, hasMore: false } }));
  return s;
}
if (process.argv[2] === 'http') {
  const port = +process.argv[3], ses = new Map(), okHost = h => /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(h || '');
  class Store { constructor() { this.m = []; this.n = 0; } async storeEvent(sid, message) { const id = sid + '_' + (++this.n); this.m.push({ sid, id, message }); if (this.m.length > 1000) this.m.shift(); return id; }
    async getStreamIdForEventId(id) { return this.m.find(e => e.id === id)?.sid; }
    async replayEventsAfter(id, { send }) { const i = this.m.findIndex(e => e.id === id); if (i < 0) return ''; const sid = this.m[i].sid; for (const e of this.m.slice(i + 1)) if (e.sid === sid) await send(e.id, e.message); return sid; } }
  http.createServer(async (q, r) => {
    const o = q.headers.origin; if (!okHost(q.headers.host) || (o && !okHost(o.replace(/^https?:\/\//, '')))) return void r.writeHead(403).end();
    const sid = q.headers['mcp-session-id']; let t = sid && ses.get(sid);
    if (!t) { if (sid) return void r.writeHead(404).end(); if (q.method !== 'POST') return void r.writeHead(405).end();
      t = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID, eventStore: new Store(), retryInterval: 100, onsessioninitialized: id => ses.set(id, t) }); t.onclose = () => ses.delete(t.sessionId); await make().connect(t); }
    await t.handleRequest(q, r);
  }).listen(port, '127.0.0.1', () => console.error('fixture on ' + port));
} else await make().connect(new StdioServerTransport());
