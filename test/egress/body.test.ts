import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBody } from '../../src/egress/body.ts';

test('a body holds what was added, in order, up to its limit and not a byte beyond', () => {
  const chunks = fc.array(fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 300_000 })), { maxLength: 12 });
  fc.assert(
    fc.property(chunks, fc.nat({ max: 600_000 }), (sizes, maxBytes) => {
      const body = createBody(maxBytes);
      const expected: Buffer[] = [];
      let length = 0;
      for (const [index, size] of sizes.entries()) {
        const fits = length + size <= maxBytes;
        const chunk = Buffer.alloc(size, index + 1);
        assert.equal(body.add(chunk), fits);
        if (fits) expected.push(Buffer.from(chunk));
        if (fits) length += size;
        chunk.fill(0); // the body keeps bytes, not the chunk
        assert.equal(body.length, length);
      }
      const bytes = body.take();
      assert.ok(Buffer.compare(bytes, Buffer.concat(expected)) === 0);
      assert.equal(bytes.buffer.byteLength, length);
    }),
  );
});
