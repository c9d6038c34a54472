#!/bin/bash
# Install what the conformance tests need from npm: the public suites, the official SDKs, and a Node that is new enough.
# usage: setup.sh [DIR]     the default is build/conformance; once is enough
set -e
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:-$here/../../build/conformance}
mkdir -p "$dir" && cd "$dir"
[ -f package.json ] || npm init -y >/dev/null
npm i --no-audit --no-fund node@22 @modelcontextprotocol/conformance@0.1.16 \
  conf2@npm:@modelcontextprotocol/conformance@0.2.0-alpha.12 \
  @modelcontextprotocol/sdk@1.32.2 @modelcontextprotocol/server@2.4.0 @modelcontextprotocol/node@2 \
  @modelcontextprotocol/client@2.4.0 zod \
  @modelcontextprotocol/server-filesystem@2026.8.31 @modelcontextprotocol/server-memory@2026.8.31 \
  @modelcontextprotocol/server-sequential-thinking@2026.8.31 @modelcontextprotocol/server-everything@2026.8.31
cp "$here"/conf-legacy.mjs "$here"/conf-modern.mjs .
