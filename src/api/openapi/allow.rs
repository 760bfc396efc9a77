//! `Allow`: what a 405 must name, known from the description.

use crate::api::openapi::describe;
use crate::api::own_sessions;
use crate::api::thoughtspot_v1::PREFIXES;
use actix_web::http::Method;
use std::collections::HashMap;
use std::sync::LazyLock;
use utoipa::openapi::path::PathItem;

/// The methods of the route with that pattern, without the one that was refused; HEAD goes with GET unsaid.
pub fn allowed(pattern: &str, refused: &Method) -> String {
    static METHODS: LazyLock<HashMap<String, Vec<Method>>> = LazyLock::new(|| {
        let paths = describe().paths.paths.into_iter();
        paths
            .map(|(path, item)| (path.trim_end_matches('/').to_owned(), methods(&item)))
            .collect()
    });
    let methods = METHODS.get(&described_path(pattern));
    let others = methods
        .into_iter()
        .flatten()
        .filter(|method| *method != refused);
    others.map(Method::as_str).collect::<Vec<_>>().join(", ")
}

/// The pattern as the description has it: under the documented prefix, without matching rules.
fn described_path(pattern: &str) -> String {
    let rest = PREFIXES
        .iter()
        .find_map(|prefix| pattern.strip_prefix(prefix))
        .filter(|_| !pattern.starts_with(own_sessions::PREFIX));
    let path = match rest {
        Some(rest) => format!("{}{rest}", PREFIXES[0]),
        None => pattern.to_owned(),
    };
    let path = path.replace("{probe:(?i)isactive}", "isactive");
    path.trim_end_matches('/').to_owned()
}

fn methods(item: &PathItem) -> Vec<Method> {
    let all = [
        (&item.get, Method::GET),
        (&item.post, Method::POST),
        (&item.put, Method::PUT),
        (&item.patch, Method::PATCH),
        (&item.delete, Method::DELETE),
    ];
    let described = all.into_iter().filter(|(operation, _)| operation.is_some());
    described.map(|(_, method)| method).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_allows_its_other_methods_under_each_prefix() {
        for prefix in PREFIXES {
            let of = |path: &str, refused| allowed(&format!("{prefix}{path}"), &refused);
            assert_eq!(of("/session/orgs", Method::POST), "GET, PUT");
            assert_eq!(of("/session/{probe:(?i)isactive}", Method::PUT), "GET");
            // Switched off it refuses the very method it has.
            assert_eq!(of("/session/login/token", Method::GET), "POST");
            assert_eq!(of("/user", Method::PUT), "GET, POST");
        }
        assert_eq!(allowed("/prism", &Method::GET), "POST");
        let update = "/api/rest/2.0/users/{id}/update";
        assert_eq!(allowed(update, &Method::GET), "POST");
        assert_eq!(allowed(own_sessions::PREFIX, &Method::POST), "GET");
        assert_eq!(allowed("/nowhere", &Method::GET), "");
    }
}
