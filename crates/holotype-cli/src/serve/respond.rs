use super::body::AnswerBody;
use super::content::{Content, Found, Served};
use super::range::{Asked, asked};
use hyper::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HOST, HeaderMap, HeaderName,
    IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode, Version};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::net::IpAddr;
use std::sync::Arc;

/// What stays as it is in a path.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

type Answer = Response<AnswerBody>;

/// The answer to one request.
pub(super) async fn respond<B>(served: Arc<Served>, bound: IpAddr, request: Request<B>) -> Answer {
    let method = request.method();
    let mut answer = if !is_host_ours(&request, bound) {
        told(StatusCode::MISDIRECTED_REQUEST, "this server answers to its own name only")
    } else if method != Method::GET && method != Method::HEAD {
        let mut answer = told(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only");
        insert(answer.headers_mut(), ALLOW, "GET, HEAD");
        answer
    } else {
        found(served, &request).await
    };
    insert(answer.headers_mut(), X_CONTENT_TYPE_OPTIONS, "nosniff");
    if method == Method::HEAD {
        *answer.body_mut() = AnswerBody::text(String::new());
    }
    answer
}

async fn found<B>(served: Arc<Served>, request: &Request<B>) -> Answer {
    let Some(path) = decoded(request.uri().path()) else {
        return told(StatusCode::BAD_REQUEST, "the path is not UTF-8");
    };
    let query = request.uri().query().unwrap_or_default().to_owned();
    let etag = served.etag();
    let headers = request.headers();
    if let Some(wanted) = text(headers, &IF_MATCH)
        && !matches(wanted, &etag)
    {
        return told(StatusCode::PRECONDITION_FAILED, "the archive is another one");
    }
    if let Some(known) = text(headers, &IF_NONE_MATCH)
        && matches(known, &etag)
    {
        let mut answer = Response::new(AnswerBody::text(String::new()));
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        insert(answer.headers_mut(), ETAG, &etag);
        return answer;
    }
    let is_same = text(headers, &IF_RANGE).is_none_or(|wanted| wanted == etag);
    let range = text(headers, &RANGE).filter(|_| is_same).map(str::to_owned);
    let is_head = request.method() == Method::HEAD;
    let looked_up = tokio::task::spawn_blocking(move || served.find(&path, &query)).await;
    let mut answer = match looked_up {
        Ok(Ok(Found::Content(content))) => send(content, range.as_deref(), is_head).await,
        Ok(Ok(Found::Text(json))) => {
            let mut answer = Response::new(AnswerBody::text(json.clone()));
            insert(answer.headers_mut(), CONTENT_TYPE, "application/json");
            insert(answer.headers_mut(), CONTENT_LENGTH, &json.len().to_string());
            answer
        }
        Ok(Ok(Found::Nothing)) => return told(StatusCode::NOT_FOUND, "no such item"),
        Ok(Ok(Found::Unserved(why))) => return told(StatusCode::NOT_IMPLEMENTED, &why),
        Ok(Err(error)) => return told(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        Err(error) => return told(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    };
    if answer.status().is_success() {
        insert(answer.headers_mut(), ETAG, &etag);
    }
    answer
}

async fn send(content: Content, range: Option<&str>, is_head: bool) -> Answer {
    let n_bytes = content.n_bytes();
    let (status, part) = match asked(range, n_bytes) {
        Asked::Whole => (StatusCode::OK, 0..n_bytes),
        Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Asked::Unsatisfiable => {
            let mut answer = told(StatusCode::RANGE_NOT_SATISFIABLE, "the range starts past the end");
            insert(answer.headers_mut(), CONTENT_RANGE, &format!("bytes */{n_bytes}"));
            return answer;
        }
    };
    let body = if is_head {
        Ok(AnswerBody::text(String::new()))
    } else {
        AnswerBody::content(Arc::new(content), part.clone()).await
    };
    let body = match body {
        Ok(body) => body,
        Err(error) => return told(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    };
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    insert(headers, CONTENT_TYPE, "application/octet-stream");
    insert(headers, ACCEPT_RANGES, "bytes");
    insert(headers, CONTENT_LENGTH, &(part.end - part.start).to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        let (first, last) = (part.start, part.end - 1);
        insert(headers, CONTENT_RANGE, &format!("bytes {first}-{last}/{n_bytes}"));
    }
    answer
}

/// False if a server on loopback is asked under another name: then a page of another site made it lead here.
fn is_host_ours<B>(request: &Request<B>, bound: IpAddr) -> bool {
    if !bound.is_loopback() {
        return true;
    }
    let Some(host) = text(request.headers(), &HOST) else { return request.version() == Version::HTTP_10 };
    let name = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host, |(name, _)| name);
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// True if a list of entity tags holds `etag`, or is `*`.
fn matches(list: &str, etag: &str) -> bool {
    list.trim() == "*" || list.split(',').any(|tag| tag.trim() == etag)
}

fn told(status: StatusCode, what: &str) -> Answer {
    let line = format!("{what}\n");
    let mut answer = Response::new(AnswerBody::text(line.clone()));
    *answer.status_mut() = status;
    insert(answer.headers_mut(), CONTENT_TYPE, "text/plain; charset=utf-8");
    insert(answer.headers_mut(), CONTENT_LENGTH, &line.len().to_string());
    answer
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = value.parse() {
        headers.insert(name, value);
    }
}

/// A path or part of a query without its `%xx`; none if it is no UTF-8.
pub(super) fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// A name as part of a path.
pub(super) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, IN_PATH).to_string()
}
