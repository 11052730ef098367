import { sha256 } from '../../shared/model/canonical-json.ts';
import { AwsError } from './loopback.ts';

export type S3Request = {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
};
export type S3Answer = { status: number; headers: Record<string, string>; body: string | Buffer };

/** A request as the operations see it: bucket and key decoded, the body without its chunks. */
export type S3Call = S3Request & { bucket: string; key: string };

export function headerOf(headers: S3Request['headers'], name: string): string | undefined {
  const value = headers[name] ?? headers[name.toLowerCase()];
  return Array.isArray(value) ? value[0] : value;
}

export const escapeXml = (text: string) => text.replaceAll(/[&<>"\r]/g, (character) => `&#${character.charCodeAt(0)};`);

/** `<name>text</name>` for each entry; what is undefined is left out. */
export const elements = (values: Record<string, string | number | boolean | undefined>) =>
  Object.entries(values)
    .map(([name, value]) => (value === undefined ? '' : `<${name}>${escapeXml(String(value))}</${name}>`))
    .join('');

export const empty = (status: number, headers: Record<string, string> = {}): S3Answer => ({
  status,
  headers,
  body: '',
});

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

export function xml(root: string, content: string): S3Answer {
  const body = `${DECLARATION}<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${content}</${root}>`;
  return { status: 200, headers: { 'content-type': 'application/xml' }, body };
}

/** Answers to HEAD have no body, so there the status has to say it all. */
export function errorAnswer({ method, path }: S3Request, { status, code, message }: AwsError): S3Answer {
  if (method === 'HEAD') return empty(status);
  const content = elements({ Code: code, Message: message, Resource: path, RequestId: sha256(message).slice(0, 16) });
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    body: `${DECLARATION}<Error>${content}</Error>`,
  };
}

/** `/bucket/some%20key` -> its parts. */
export function placeOf(path: string): { bucket: string; key: string } {
  const [, bucket = '', key = ''] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? [];
  try {
    return { bucket: decodeURIComponent(bucket), key: decodeURIComponent(key) };
  } catch {
    throw new AwsError('InvalidURI', "Couldn't parse the specified URI.");
  }
}

/**
 * The body itself. SDKs send it in aws-chunked form when its length or checksum is only known at the end:
 * `<size in hex>;chunk-signature=...\r\n<bytes>\r\n` and, after a chunk of size 0, trailing headers (not checked).
 */
export function bodyOf({ headers, body }: S3Request): Buffer {
  const streaming = headerOf(headers, 'x-amz-content-sha256')?.startsWith('STREAMING-');
  if (!streaming && !headerOf(headers, 'content-encoding')?.includes('aws-chunked')) return body;
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at);
    const [, hex] = /^([0-9a-f]{1,8})(?:;|$)/i.exec(body.toString('latin1', at, Math.max(at, end))) ?? [];
    if (end < 0 || hex === undefined) throw new AwsError('IncompleteBody', 'The aws-chunked body is malformed.');
    const size = Number.parseInt(hex, 16);
    if (size === 0) break;
    const start = end + 2;
    if (body.toString('latin1', start + size, start + size + 2) !== '\r\n') {
      throw new AwsError('IncompleteBody', 'The aws-chunked body ends within a chunk.');
    }
    chunks.push(body.subarray(start, start + size));
    at = start + size + 2;
  }
  const decoded = Buffer.concat(chunks);
  const announced = headerOf(headers, 'x-amz-decoded-content-length');
  if (announced !== undefined && Number(announced) !== decoded.length) {
    throw new AwsError('IncompleteBody', `The body has ${decoded.length} bytes, but ${announced} were announced.`);
  }
  return decoded;
}
