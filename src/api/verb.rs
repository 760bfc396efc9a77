//! Routes that know their methods, so that a 405 can name them where no description does.

use crate::api::dialect;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::{Error, FromRequest, Handler, Resource, Responder, Route, web};

/// What a resource takes, as `Allow` names it; HEAD goes with GET unsaid.
#[derive(Clone, Debug)]
pub struct Taken(pub String);

/// A method and what answers to it.
pub struct Verb {
    method: &'static str,
    route: Route,
}

/// Makes one function a method.
macro_rules! verbs {
    ($($(#[$what:meta])* $name:ident, $method:literal, $route:expr;)+) => {$(
        $(#[$what])*
        pub fn $name<F, A>(handler: F) -> Verb
        where
            F: Handler<A>,
            A: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            Verb { method: $method, route: $route.to(handler) }
        }
    )+};
}

verbs! {
    /// A GET, which HEAD may stand for. Not for one that changes anything.
    read, "GET", dialect::read();
    /// A GET that changes something, so that HEAD must not stand for it.
    get, "GET", web::get();
    /// A POST.
    post, "POST", web::post();
    /// A PUT.
    put, "PUT", web::put();
    /// A PATCH.
    patch, "PATCH", web::patch();
    /// A DELETE.
    delete, "DELETE", web::delete();
}

/// A resource that is given its routes together.
pub trait Takes: Sized {
    /// The resource with exactly these; what it takes is known to whoever refuses another method.
    #[must_use]
    fn takes<const N: usize>(self, verbs: [Verb; N]) -> Self;
}

impl<T, B> Takes for Resource<T>
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    fn takes<const N: usize>(self, verbs: [Verb; N]) -> Self {
        let methods: Vec<&str> = verbs.iter().map(|verb| verb.method).collect();
        let told = self.app_data(Taken(methods.join(", ")));
        verbs
            .into_iter()
            .fold(told, |resource, verb| resource.route(verb.route))
    }
}
