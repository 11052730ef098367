import { expect, test } from 'vitest';
import { readEvent } from '../../shared/model/aws-event.ts';
import { SMOKE_PREFIX, SMOKE_SOURCE, smokeEvent } from '../../shared/model/smoke-event.ts';
import { endpoint } from '../builders.ts';

test('the event that the smoke test sends is one that the gate takes', () => {
  const { source, detailType, detail } = smokeEvent({ name: `${SMOKE_PREFIX}1` });
  expect(source).toBe(SMOKE_SOURCE);
  const { account, region } = endpoint;
  const event = { id: '1', time: '2026-11-20T10:00:00Z', account, region, source, 'detail-type': detailType, detail };
  expect(readEvent(event)).toMatchObject({ as: 'change', change: { endpoint: { name: 'portcullis-smoke-1' } } });
});

test('its source is not one of AWS, which AWS lets nobody use', () => {
  expect(SMOKE_SOURCE).not.toMatch(/^aws\./);
});
